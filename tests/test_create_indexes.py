"""Indexes by the commands: what `create` finds of them, up, down and up again, with rows in the table."""

from collections.abc import Callable
from dataclasses import dataclass

from migrated_project import MigratedProject
from projects import Project

HEAD = """
    from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, desc, func, text

    metadata = MetaData()
"""
COLUMNS = "Column('id', Integer, primary_key=True), Column('n', Integer), Column('word', String(50))"
ROWS = [(1, 5, "one"), (2, None, "%two:x")]


@dataclass(frozen=True)
class Change:
    """An index before and after; an empty one is none."""

    before: str
    after: str
    servers: tuple[str, ...] = ("sqlite", "postgresql", "mysql")


FILES_AND_POSTGRESQL = ("sqlite", "postgresql")
POSTGRESQL = ("postgresql",)
CHANGES = {
    "columns": Change("'n'", "'n', 'word'"),
    "unique": Change("'n'", "'n', unique=True"),
    "order": Change("'n'", "text('n DESC')"),
    "order_of_a_column": Change("desc('n')", "'n'"),
    "prefix": Change("'word'", "'word', mysql_length=9, mariadb_length=9", ("mysql",)),
    "condition": Change("'n'", "'n', sqlite_where=text('n > 5'), postgresql_where=text('n > 5')", FILES_AND_POSTGRESQL),
    "other_condition": Change(
        "'n', sqlite_where=text('n > 4'), postgresql_where=text('n > 4')",
        "'n', sqlite_where=text(\"word <> '%\\\\:x'\"), postgresql_where=text(\"word <> '%\\\\:x'\")",
        FILES_AND_POSTGRESQL,
    ),
    "no_condition": Change(
        "'n', sqlite_where=text('n IN (1, 2)'), postgresql_where=text('n IN (1, 2)')", "'n'", FILES_AND_POSTGRESQL
    ),
    "expression": Change("text('lower(word)')", "text(\"upper(word || '%\\\\:x')\")", FILES_AND_POSTGRESQL),
    "new_expression": Change("", "text('lower(word)'), 'n'", FILES_AND_POSTGRESQL),
    "gone_expression": Change("text('lower(word)'), desc('n')", "", FILES_AND_POSTGRESQL),
    "function": Change("'word'", "func.lower(text('word'))", FILES_AND_POSTGRESQL),
    "collation": Change("'word'", "text('word COLLATE NOCASE')", ("sqlite",)),
    "collation_of_a_server": Change("'word'", "text('word COLLATE \"C\"')", POSTGRESQL),
    "nulls": Change("'n'", "text('n NULLS FIRST')", POSTGRESQL),
    "include": Change("'n'", "'n', postgresql_include=['word']", POSTGRESQL),
    "operator_class": Change("'word'", "'word', postgresql_ops={'word': 'text_pattern_ops'}", POSTGRESQL),
    "method": Change("'n'", "'n', postgresql_using='hash'", POSTGRESQL),
    "storage": Change("'n', postgresql_with={'fillfactor': 70}", "'n', postgresql_with={'fillfactor': 50}", POSTGRESQL),
}
# what says the same as the server's own words, or what a server has by itself
UNCHANGED = {
    "condition": Change(
        "'n', sqlite_where=text('n>5'), postgresql_where=text('n>5')",
        "'n', sqlite_where=text('(n > 5)'), postgresql_where=text('((N > 5))')",
        FILES_AND_POSTGRESQL,
    ),
    "expression": Change("text('lower(word)')", "text('LOWER( word )')", FILES_AND_POSTGRESQL),
    "list": Change(
        "'n', postgresql_where=text(\"word IN ('a', 'b')\")",
        "'n', postgresql_where=text(\"word = ANY (ARRAY['a', 'b'])\")",
        POSTGRESQL,
    ),
    "operator_class": Change("'word'", "'word', postgresql_ops={'word': 'text_ops'}", POSTGRESQL),
    "method": Change("'n'", "'n', postgresql_using='btree'", POSTGRESQL),
    "nulls": Change("text('n DESC')", "text('n DESC NULLS FIRST')", POSTGRESQL),
    "order": Change("'n'", "text('n ASC')"),
}


def models(changes: dict[str, Change], side: Callable[[Change], str]) -> str:
    """A table for each change, of its name."""
    tables = []
    for name, change in changes.items():
        index = f", Index('ix_{name}', {side(change)})" if side(change) else ""
        tables.append(f"    Table('t_{name}', metadata, {COLUMNS}{index})\n")
    return HEAD + "".join(tables)


def on(server: str, changes: dict[str, Change]) -> dict[str, Change]:
    return {name: change for name, change in changes.items() if server in change.servers}


class Words(MigratedProject):
    """A project whose tables have the indexes of before, and two rows each."""

    def __init__(self, project: Project, url: str, changes: dict[str, Change]) -> None:
        super().__init__(project, url)
        self.changes = on(self.database.url.get_backend_name(), changes)
        project.write("models.py", models(self.changes, lambda change: change.before))
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        for name in self.changes:
            for number, n, word in ROWS:
                value = "NULL" if n is None else n
                self.execute(
                    f"INSERT INTO t_{name} (id, n, word) VALUES ({number}, {value}, '{word}')".replace(":", "\\:")
                )

    def become(self, side: Callable[[Change], str]) -> None:
        self.project.write("models.py", models(self.changes, side))

    def assert_is_as_before(self) -> None:
        """Nothing is to be made where the models are those of before, and the second revision is gone."""
        self.become(lambda change: change.before)
        self.versions()[-1].unlink()
        self.ok("migrate", "check")

    def assert_rows_are_there(self) -> None:
        for name in self.changes:
            assert self.rows(f"SELECT id, n, word FROM t_{name} ORDER BY id") == ROWS


def test_changed_indexes_are_found_and_come_back(project: Project, database_url: str) -> None:
    words = Words(project, database_url, CHANGES)
    words.become(lambda change: change.after)
    told = words.run("migrate", "create", "second")
    assert told.returncode == 0
    assert "differ" not in told.stderr
    assert "does not bring back" not in told.stderr
    assert "tried     up, down and up again" in told.stderr
    script = words.versions()[-1].read_text()
    assert [name for name in words.changes if f'"t_{name}"' not in script] == []
    words.ok("migrate", "upgrade")
    words.ok("migrate", "check")
    words.assert_rows_are_there()
    words.ok("migrate", "downgrade", "-1")
    words.assert_is_as_before()
    words.assert_rows_are_there()


def test_same_index_in_other_words_is_no_change(project: Project, database_url: str) -> None:
    words = Words(project, database_url, UNCHANGED)
    words.become(lambda change: change.after)
    words.ok("migrate", "check")


def test_dropped_table_brings_its_indexes_back(project: Project, database_url: str) -> None:
    kept = {name: change for name, change in CHANGES.items() if name in ("order_of_a_column", "gone_expression")}
    words = Words(project, database_url, kept)
    words.project.write("models.py", HEAD)
    words.ok("migrate", "create", "gone", *(f for name in words.changes for f in ("--drop", f"t_{name}")))
    words.ok("migrate", "upgrade")
    assert words.tables() == set()
    words.ok("migrate", "downgrade", "-1")
    words.assert_is_as_before()
