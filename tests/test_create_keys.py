"""Primary keys and identities by the commands: what `create` finds of them, up, down and up again, with rows."""

import pytest

from migrated_project import MigratedProject
from projects import Project

HEAD = """
    from sqlalchemy import Column, ForeignKey, Identity, Integer, MetaData
    from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

    metadata = MetaData()
"""
KEYS_BEFORE = """
    Table("wider", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
    Table("narrower", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, primary_key=True, autoincrement=False))
    Table("other", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
    Table("counted", metadata, Column("a", Integer, primary_key=True), Column("b", Integer, nullable=False))
    Table("none", metadata, Column("a", Integer, nullable=False), Column("b", Integer))
    Table("replaced", metadata, Column("a", Integer, primary_key=True, autoincrement=False), Column("b", Integer))
    Table("parent", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
    Table("child", metadata, Column("a", Integer, ForeignKey("parent.a"), primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
"""
KEYS_AFTER = """
    Table("wider", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, primary_key=True, autoincrement=False))
    Table("narrower", metadata, Column("a", Integer, primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
    Table("other", metadata, Column("a", Integer, nullable=False),
          Column("b", Integer, primary_key=True, autoincrement=False))
    Table("counted", metadata, Column("a", Integer, primary_key=True),
          Column("b", Integer, primary_key=True, autoincrement=False))
    Table("none", metadata, Column("a", Integer, primary_key=True, autoincrement=False), Column("b", Integer))
    Table("replaced", metadata, Column("b", Integer, primary_key=True, autoincrement=False))
    Table("parent", metadata, Column("a", Integer, nullable=False),
          Column("b", Integer, primary_key=True, autoincrement=False), UniqueConstraint("a", name="uq_parent"))
    Table("child", metadata, Column("a", Integer, ForeignKey("parent.a"), primary_key=True, autoincrement=False),
          Column("b", Integer, nullable=False))
"""
TABLES = ("wider", "narrower", "other", "counted", "none", "replaced", "parent", "child")
ROWS = [(1, 7), (2, 8)]

IDENTITIES_BEFORE = """
    Table("gains", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("x", Integer))
    Table("serial", metadata, Column("id", Integer, primary_key=True), Column("x", Integer))
    Table("always", metadata, Column("id", Integer, Identity(), primary_key=True), Column("x", Integer))
    Table("loses", metadata, Column("id", Integer, Identity(), primary_key=True), Column("x", Integer))
"""
IDENTITIES_AFTER = """
    Table("gains", metadata, Column("id", Integer, Identity(), primary_key=True), Column("x", Integer))
    Table("serial", metadata, Column("id", Integer, Identity(increment=5), primary_key=True), Column("x", Integer))
    Table("always", metadata, Column("id", Integer, Identity(always=True), primary_key=True), Column("x", Integer))
    Table("loses", metadata, Column("id", Integer, primary_key=True), Column("x", Integer))
"""
COUNTED = ("gains", "serial", "always", "loses")


class Keys(MigratedProject):
    def __init__(self, project: Project, url: str, models: str) -> None:
        super().__init__(project, url)
        self.before = models
        project.write("models.py", HEAD + models)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")

    def become(self, models: str, *flags: str) -> str:
        """The text of the new revision, which is to do all that the models say, both ways."""
        self.project.write("models.py", HEAD + models)
        told = self.run("migrate", "create", "second", *flags)
        assert told.returncode == 0, told.stderr
        assert "tried     up, down and up again" in told.stderr, told.stderr
        assert "note: a" not in told.stderr
        assert "note: its" not in told.stderr
        return self.versions()[-1].read_text()

    def assert_is_as_before(self) -> None:
        self.project.write("models.py", HEAD + self.before)
        self.versions()[-1].unlink()
        self.ok("migrate", "check")


def test_primary_keys_of_other_columns(project: Project, database_url: str) -> None:
    keys = Keys(project, database_url, KEYS_BEFORE)
    for table in TABLES:
        for a, b in ROWS:
            keys.execute(f"INSERT INTO {table} (a, b) VALUES ({a}, {b})")
    script = keys.become(KEYS_AFTER, "--drop", "replaced.a", "--down-default", "replaced.a=0")
    assert "child" not in script or keys.database.name == "PostgreSQL"
    keys.ok("migrate", "upgrade")
    keys.ok("migrate", "check")
    for table in TABLES:
        columns = "b" if table == "replaced" else "a, b"
        expected = [(b,) if table == "replaced" else (a, b) for a, b in ROWS]
        assert keys.rows(f"SELECT {columns} FROM {table} ORDER BY b") == expected
    keys.execute("INSERT INTO wider (a, b) VALUES (1, 9)")
    keys.execute("DELETE FROM wider WHERE b = 9")
    keys.execute("DELETE FROM replaced WHERE b = 8")  # of a, which comes back as 0, there can be one only
    keys.ok("migrate", "downgrade", "-1")
    keys.assert_is_as_before()
    for table in TABLES:
        assert keys.rows(f"SELECT a, b FROM {table} ORDER BY b") == ([(0, 7)] if table == "replaced" else ROWS)


@pytest.mark.parametrize(("listed", "code"), [("", 0), (', PrimaryKeyConstraint("b", "a")', 1)])
def test_order_of_a_key_counts_where_it_is_listed(project: Project, sqlite_url: str, listed: str, code: int) -> None:
    a, b = (f'Column("{name}", Integer, primary_key=True, autoincrement=False)' for name in "ab")
    keys = Keys(project, sqlite_url, f'    Table("t", metadata, {a}, {b})\n')
    keys.project.write("models.py", HEAD + f'    Table("t", metadata, {b}, {a}{listed})\n')
    assert keys.run("migrate", "check").returncode == code


def test_rows_that_share_a_new_key_are_refused(project: Project, database_url: str) -> None:
    keys = Keys(project, database_url, KEYS_BEFORE)
    for a in (1, 2):
        keys.execute(f"INSERT INTO other (a, b) VALUES ({a}, 7)")
    keys.become(KEYS_AFTER, "--drop", "replaced.a")
    refused = keys.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert keys.rows("SELECT a, b FROM other ORDER BY a") == [(1, 7), (2, 7)]


@pytest.fixture
def identities(project: Project, postgresql_url: str) -> Keys:
    keys = Keys(project, postgresql_url, IDENTITIES_BEFORE)
    for table in COUNTED:
        for id_ in (1, 2):
            keys.execute(f"INSERT INTO {table} (id, x) VALUES ({id_}, {id_})")
    return keys


def test_identities_come_change_and_go(identities: Keys) -> None:
    identities.become(IDENTITIES_AFTER)
    identities.ok("migrate", "upgrade")
    identities.ok("migrate", "check")
    for table, expected in (("gains", 3), ("serial", 7), ("loses", 3)):
        identities.execute(f"INSERT INTO {table} (x) VALUES (3)")
        assert identities.rows(f"SELECT id FROM {table} WHERE x = 3") == [(expected,)]
    identities.ok("migrate", "downgrade", "-1")
    identities.assert_is_as_before()
    for table, expected in (("serial", 8), ("loses", 4)):
        identities.execute(f"INSERT INTO {table} (x) VALUES (4)")
        assert identities.rows(f"SELECT id FROM {table} WHERE x = 4") == [(expected,)]


def test_unchanged_identity_is_no_change(identities: Keys) -> None:
    identities.ok("migrate", "check")


def test_identity_means_nothing_where_the_server_has_none(project: Project, database_url: str) -> None:
    Keys(project, database_url, IDENTITIES_BEFORE).ok("migrate", "check")


COUNTING = 'Table("t", metadata, Column("id", Integer, primary_key=True{}))'


def test_row_with_a_zero_is_not_renumbered_when_its_column_begins_to_count_up(project: Project, mysql_url: str) -> None:
    keys = Keys(project, mysql_url, f"    {COUNTING.format(', autoincrement=False')}\n")
    keys.execute("INSERT INTO t (id) VALUES (0), (7)")
    keys.become(f"    {COUNTING.format('')}\n")
    refused = keys.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "lets `t.id` count up" in refused.stderr and "NO_AUTO_VALUE_ON_ZERO" in refused.stderr
    assert keys.rows("SELECT id FROM t ORDER BY id") == [(0,), (7,)]
    keys.execute("DELETE FROM t WHERE id = 0")
    keys.ok("migrate", "upgrade")
    keys.ok("migrate", "check")
    keys.execute("INSERT INTO t () VALUES ()")
    assert keys.rows("SELECT id FROM t ORDER BY id") == [(7,), (8,)]


REFERRING = """
    Table("people", metadata, Column("id", Integer, primary_key=True))
    Table("gains_key", metadata, Column("id", Integer, primary_key=True), Column("p", Integer{gained}))
    Table("loses_key", metadata, Column("id", Integer, primary_key=True), Column("p", Integer{lost}))
    Table("indexed", metadata, Column("id", Integer, primary_key=True), Column("p", Integer{gained}, index=True))
    Table("cascades", metadata, Column("id", Integer, primary_key=True),
          Column("p", Integer, ForeignKey("people.id"{option})))
"""


def test_foreign_keys_take_along_the_index_that_the_server_made_for_them(project: Project, database_url: str) -> None:
    key = ', ForeignKey("people.id")'
    keys = Keys(project, database_url, REFERRING.format(gained="", lost=key, option=""))
    keys.execute("INSERT INTO people (id) VALUES (1)")
    for table in ("gains_key", "loses_key", "indexed", "cascades"):
        keys.execute(f"INSERT INTO {table} (id, p) VALUES (1, 1)")
    keys.become(REFERRING.format(gained=key, lost="", option=', ondelete="CASCADE"'))
    keys.ok("migrate", "upgrade")
    keys.ok("migrate", "check")
    keys.ok("migrate", "downgrade", "-1")
    keys.assert_is_as_before()
    for table in ("gains_key", "loses_key", "indexed", "cascades"):
        assert keys.rows(f"SELECT id, p FROM {table}") == [(1, 1)]
