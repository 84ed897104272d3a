"""What stock `alembic revision --autogenerate` makes of each change in tests/changes: docs/autogenerate.json.

python tests/stock_alembic.py            print it
python tests/stock_alembic.py --write    write it; with --again, also what is known of these versions already

PostgreSQL and MariaDB are those that OPPMAN_TEST_POSTGRESQL_URL and OPPMAN_TEST_MYSQL_URL name. Nothing of oppmigrate
takes part: its plugin is left out, and the revision is run as the stock command runs it.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

import alembic
import servers
from changes.catalogue import read_rows, read_schema
from changes.change import HEAD, Change, Rows
from changes.groups import EVERY

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "autogenerate.json"
OPTIONS = {
    "autogenerate_plugins": ["alembic.autogenerate.*", "~alembic.autogenerate.oppmigrate"],
    "include_schemas": True,
    "include_name": lambda name, kind, _parents: kind != "schema" or name in (None, "shop"),
}


class Stopped(Exception):
    """The word for how far stock Alembic comes."""


def outcome(change: Change, url: str, model_url: str) -> str:
    """How far stock Alembic comes with a change in a database that holds its rows.

    "missed", "no file" (autogenerate fails), "up fails", "rows" (others than a person wants), "differs" (the database
    has not become what the models say, by its own account), "down fails", "not undone", or "found".
    """
    schema = schema_of_models(change, change.after, model_url)
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            _make(change, connection)
            _migrate(change, connection, _server_of(engine), _models(change.after), schema)
    except Stopped as stopped:
        return str(stopped)
    finally:
        engine.dispose()
    return "found"


def schema_of_models(change: Change, source: str, url: str) -> set[str]:
    """What these models make of an empty database."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            for statement in change.before_all:
                connection.execute(sa.text(statement))
            _models(source).create_all(connection)
            connection.commit()
            return _state(connection, _server_of(engine))[0]
    finally:
        engine.dispose()


def _server_of(engine: sa.Engine) -> str:
    return engine.dialect.name.replace("mariadb", "mysql")


def _make(change: Change, connection: sa.Connection) -> None:
    for statement in change.before_all:
        connection.execute(sa.text(statement))
    _models(change.before).create_all(connection)
    for statement in change.rows:
        connection.execute(sa.text(statement))
    connection.commit()


def _state(connection: sa.Connection, server: str) -> tuple[set[str], dict[str, list[str]]]:
    def query(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]

    tables = set(sa.inspect(connection).get_table_names())
    found = read_schema(server, query), read_rows(server, query, tables)
    connection.rollback()
    return found


def _migrate(change: Change, connection: sa.Connection, server: str, models: sa.MetaData, wanted: set[str]) -> None:
    """Up, down, and what has become of schema and rows each time."""
    schema, rows = _state(connection, server)
    up, down = _written(connection, models)
    _or_stop("up fails", lambda: _run(connection, up))
    if not _found(connection, change.there):
        raise Stopped("rows")
    if (now := _state(connection, server)[0]) != wanted:
        if "-v" in sys.argv:
            print(f"  {now ^ wanted}", file=sys.stderr)
        raise Stopped("differs")
    _or_stop("down fails", lambda: _run(connection, down))
    after = _state(connection, server)
    if after[0] != schema:
        raise Stopped("not undone")
    if after[1] != rows if change.back is None else not _found(connection, change.back):
        raise Stopped("not undone")


def _models(source: str) -> sa.MetaData:
    names: dict[str, Any] = {}
    exec(HEAD + source, names)
    return names["metadata"]


def _written(connection: sa.Connection, models: sa.MetaData) -> tuple[str, str]:
    """The two functions of the revision."""
    options = {**OPTIONS, "render_as_batch": connection.dialect.name == "sqlite"}
    context = MigrationContext.configure(connection, opts=options)
    script = _or_stop("no file", lambda: produce_migrations(context, models))
    connection.rollback()
    if script.upgrade_ops.is_empty():
        raise Stopped("missed")
    batch = {"render_as_batch": options["render_as_batch"], "migration_context": context}
    return _or_stop("no file", lambda: (_rendered(script.upgrade_ops, batch), _rendered(script.downgrade_ops, batch)))


def _rendered(operations: ops.OpContainer, options: dict[str, Any]) -> str:
    return render_python_code(operations, **options)


def _run(connection: sa.Connection, source: str) -> None:
    context = MigrationContext.configure(connection)
    names: dict[str, Any] = {"op": Operations(context), "sa": sa}
    for dialect in ("mysql", "postgresql", "sqlite"):
        exec(f"from sqlalchemy.dialects import {dialect}", names)
    body = "\n".join(line.removeprefix("    ") for line in source.splitlines())
    exec(body, names)
    connection.commit()


def _or_stop(word: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        if "-v" in sys.argv:
            print(f"  {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        raise Stopped(word) from error


def _found(connection: sa.Connection, wanted: Mapping[str, Rows]) -> bool:
    try:
        found = {each: [tuple(map(_plain, row)) for row in connection.execute(sa.text(each))] for each in wanted}
    except sa.exc.DBAPIError:
        return False
    finally:
        connection.rollback()
    return found == wanted


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | dict | list | type(None)) else _as_text(value)


def _as_text(value: Any) -> Any:
    return value if hasattr(value, "as_tuple") else str(value)  # a Decimal equals a number


def _results() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def _known() -> dict[str, Any]:
    """What the file has of these versions; a change that is as it was then is not measured again."""
    results = _results()
    if "--again" in sys.argv or not results:
        return {}
    versions = (results["alembic"], results["sqlalchemy"])
    return results["changes"] if versions == (alembic.__version__, sa.__version__) else {}


def measure() -> dict[str, Any]:
    """The outcome of each change on each of its servers."""
    warnings.simplefilter("ignore")
    found: dict[str, dict[str, str]] = {}
    known = _known()
    for change in EVERY:
        if known.get(change.name, {}).get("fingerprint") == change.fingerprint:
            found[change.name] = known[change.name]
            continue
        found[change.name] = {"fingerprint": change.fingerprint}
        for server in change.servers:
            with servers.new_database(server) as url, servers.new_database(server) as other:
                found[change.name][server] = outcome(change, url, other)
            print(f"{found[change.name][server]:12} {server:11} {change.name}", file=sys.stderr)
    if os.environ.get(servers.POSTGRESQL_VARIABLE):
        servers.drop_spare_databases()
    measured = {"alembic": alembic.__version__, "sqlalchemy": sa.__version__, "changes": found}
    return {**_results(), **measured}


if __name__ == "__main__":
    text = json.dumps(measure(), indent=2) + "\n"
    if "--write" in sys.argv:
        RESULTS.write_text(text, encoding="utf-8")
    else:
        print(text)
