"""How a database is changed: transactions, backups, waiting, and the journal's name."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from oppmigrate.errors import ConfigurationError

LONGEST_S = 24 * 3600


def _setting(default: Any, kind: str, *, unit: str = "") -> Any:
    """A field of `Policy`; `unit` is what its name has at the end beside the setting's."""
    return field(default=default, metadata={"kind": kind, "unit": unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of applying; each field is a setting, called as the field without its unit.

    Args:
        transaction: how much is one transaction: the whole upgrade, or each revision; None is the server's own best.
        backup: back up before an upgrade or downgrade that changes rows or drops something, always, or never.
        backup_keep, backup_keep_days: a backup taken by itself is removed when as many are newer and it is as old.
        backup_limit_mb: on a server, how large a database may be for a backup to be taken by itself.
        lock_timeout_s: how long to wait for another migration run to finish.
        table_lock_timeout_s: how long one statement may wait for somebody else's lock on a table.
        statement_timeout_s: how long one statement may take; None is for ever.
        wait_for_database_s: how long to try again while the server does not answer yet.
        sqlite_schema_edit: on SQLite, change a table's stored definition alone, where that is safe; False: rebuild it.
    """

    transaction: Literal["upgrade", "revision"] | None = _setting(None, "upgrade|revision")
    backup: Literal["auto", "always", "never"] = _setting("auto", "auto|always|never")
    backup_keep: int = _setting(10, "count")
    backup_keep_days: float = _setting(30.0, "number")
    backup_limit_mb: float = _setting(1024.0, "number")
    journal_table: str = _setting("oppman_journal", "name")
    lock_timeout_s: float = _setting(60.0, "seconds", unit="_s")
    table_lock_timeout_s: float = _setting(5.0, "seconds", unit="_s")
    statement_timeout_s: float | None = _setting(None, "seconds", unit="_s")
    wait_for_database_s: float = _setting(0.0, "seconds", unit="_s")
    sqlite_schema_edit: bool = _setting(True, "switch")


def read_policy(environment: Mapping[str, str], own: Mapping[str, Any]) -> Policy:
    """The policy of the environment's `OPPMAN_…` over `[tool.oppman]`.

    Raises:
        ConfigurationError: a value does not fit its setting.
    """
    found: dict[str, Any] = {}
    for each in fields(Policy):
        name = each.name.removesuffix(each.metadata["unit"])
        variable = f"OPPMAN_{name.upper()}"
        if environment.get(variable):
            found[each.name] = _value(each.metadata["kind"], environment[variable], variable)
        elif own.get(name) not in (None, ""):
            found[each.name] = _value(each.metadata["kind"], own[name], f"pyproject.toml: [tool.oppman] {name}")
    return Policy(**found)


def _value(kind: str, value: Any, source: str) -> Any:
    if "|" in kind:
        if value in kind.split("|"):
            return value
        raise ConfigurationError(f"{source} is {value!r}", do=f"write one of: {kind.replace('|', ', ')}")
    if kind == "switch":
        return _switch(value, source)
    if kind == "name":
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w{0,59}", value):
            return value
        raise ConfigurationError(f"{source} is {value!r}", do="write the plain name of a table: letters, digits and _")
    return _number(kind, value, source)


def _switch(value: Any, source: str) -> bool:
    word = str(value).lower()
    if word in ("1", "true", "yes", "on") or word in ("0", "false", "no", "off"):
        return word in ("1", "true", "yes", "on")
    raise ConfigurationError(f"{source} is {value!r}", do="write true or false; in the environment, 1 or 0")


def _number(kind: str, value: Any, source: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    highest = LONGEST_S if kind == "seconds" else 1e9
    if not 0 <= number <= highest or (kind == "count" and number != int(number)):
        what = {"seconds": f"a number of seconds from 0 to {highest}", "count": "a whole number from 0"}
        raise ConfigurationError(f"{source} is {value!r}", do=f"write {what.get(kind, 'a number from 0')}")
    return int(number) if kind == "count" else number
