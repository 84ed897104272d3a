"""One database's contents put in the place of another's, on a server that cannot roll back the making of tables.

The tables change places in one RENAME TABLE, which holds or fails as a whole: MariaDB 10.6 and MySQL 8.0 also when the
server is killed in it. What cannot be moved so is made anew behind it: views, routines, triggers, events, and foreign
keys, whose names are one for a whole database.

Source: MariaDB Knowledge Base, "Atomic DDL", "RENAME TABLE"; MySQL manual, "Atomic Data Definition Statement Support".
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.mysql_objects import StoredObject, quoted, read_objects

OLD = "_oppman_old_"
MOVED = frozenset({"table", "view", "sequence"})  # what RENAME TABLE takes
# in the order of making: each needs those before it
KINDS = ("package", "package body", "function", "procedure", "view", "trigger", "event")
SETTINGS = ("sql_mode", "character_set_client", "collation_connection", "time_zone")

ROUTINES = "SELECT LOWER(routine_type), routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()"
TRIGGERS = """
SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()
ORDER BY event_object_table, action_timing, event_manipulation, action_order
"""
# a line of SHOW CREATE TABLE
FOREIGN_KEY = re.compile(r"^\s+(CONSTRAINT `((?:[^`]|``)+)` FOREIGN KEY .*?),?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Definition:
    """What is made anew: the statement, and the session's settings that it was first made with."""

    kind: str
    name: str
    statement: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A named foreign key: its table and name, and the whole of it as ALTER TABLE takes it."""

    table: str
    name: str
    definition: str

    @property
    def drop(self) -> str:
        return f"ALTER TABLE {quoted(self.table)} DROP FOREIGN KEY {quoted(self.name)}"

    @property
    def add(self) -> str:
        return f"ALTER TABLE {quoted(self.table)} ADD {self.definition}"


def swap(connection: Connection, here: str, beside: str) -> Callable[[], None]:
    """Put the tables of the database `beside` in the place of all that is `here`, which is kept under other names.

    Until this returns, `here` is as it was, whatever happens. What it returns makes the rest: it drops what was here
    before, and makes what did not move; interrupted in that, the tables are those from beside already, with their rows.

    `beside` is left with nothing of use in it.
    """
    run = _runner(connection)
    run(f"USE {quoted(beside)}")
    run("SET SESSION foreign_key_checks = 0")
    new = read_objects(connection)
    definitions = tuple(_read_definitions(connection, new))
    keys = tuple(_read_foreign_keys(connection, new))
    for trigger in (each for each in definitions if each.kind == "trigger"):
        run(f"DROP TRIGGER {quoted(trigger.name)}")
    for key in keys:
        run(key.drop)
    run(f"USE {quoted(here)}")
    old = read_objects(connection)
    kept = {item: f"{OLD}{secrets.token_hex(4)}_{number}" for number, item in enumerate(old) if item.kind in MOVED}
    moves = [f"{_at(here, item.name)} TO {_at(here, name)}" for item, name in kept.items()]
    moves += [f"{_at(beside, item.name)} TO {_at(here, item.name)}" for item in new if item.kind in MOVED - {"view"}]
    if moves:
        run("SET SESSION foreign_key_checks = 1")  # without it, foreign keys do not follow what is renamed
        run(f"RENAME TABLE {', '.join(moves)}")
        run("SET SESSION foreign_key_checks = 0")

    def finish() -> None:
        for item in old:
            run(StoredObject(item.kind, kept.get(item, item.name)).drop)
        for key in keys:
            run(key.add)
        _make(connection, definitions)

    return finish


def _at(database: str, name: str) -> str:
    return f"{quoted(database)}.{quoted(name)}"


def _runner(connection: Connection) -> Callable[[str], None]:
    def run(statement: str) -> None:
        connection.exec_driver_sql(statement.replace("%", "%%")).close()

    return run


def _read_definitions(connection: Connection, stored: Iterable[StoredObject]) -> Iterator[Definition]:
    routines = [(str(kind), str(name)) for kind, name in connection.exec_driver_sql(ROUTINES)]
    triggers = [(str(kind), str(name)) for kind, name in connection.exec_driver_sql(TRIGGERS)]
    others = [(item.kind, item.name) for item in stored if item.kind in ("view", "event")]
    for kind, name in sorted((*routines, *others, *triggers), key=lambda each: KINDS.index(each[0])):
        query = f"SHOW CREATE {kind.upper()} {quoted(name)}".replace("%", "%%")
        row = connection.exec_driver_sql(query).mappings().one()
        statement = next(value for key, value in row.items() if key.lower() in _columns(kind))
        settings = tuple((each, str(row[each])) for each in SETTINGS if row.get(each) is not None)
        yield Definition(kind, name, str(statement), settings)


def _columns(kind: str) -> tuple[str, str]:
    """The names of the column in which SHOW CREATE gives the statement."""
    return f"create {kind}", "sql original statement"


def _read_foreign_keys(connection: Connection, stored: Iterable[StoredObject]) -> Iterator[ForeignKey]:
    """Those with a name that a person gave; the others' names follow their table's."""
    for table in (item.name for item in stored if item.kind == "table"):
        query = f"SHOW CREATE TABLE {quoted(table)}".replace("%", "%%")
        for found in FOREIGN_KEY.finditer(str(connection.exec_driver_sql(query).one()[1])):
            name = found[2].replace("``", "`")
            if not re.fullmatch(re.escape(table) + r"_ibfk_\d+", name):
                yield ForeignKey(table, name, found[1])


def _make(connection: Connection, definitions: Sequence[Definition]) -> None:
    """Make them in their order; a view may need another one that comes later."""
    waiting = list(definitions)
    while waiting:
        put_off: list[Definition] = []
        for definition in waiting:
            try:
                _make_one(connection, definition)
            except DBAPIError:
                if definition.kind != "view" or len(waiting) == 1:
                    raise
                put_off.append(definition)
        if len(put_off) == len(waiting):
            _make_one(connection, put_off[0])  # raises what is wrong with it
        waiting = put_off


def _make_one(connection: Connection, definition: Definition) -> None:
    for name, value in definition.settings:
        connection.exec_driver_sql(f"SET SESSION {name} = %s", (value,)).close()
    connection.exec_driver_sql(definition.statement.replace("%", "%%")).close()
