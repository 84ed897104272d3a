"""Tables that are as their models are left out of the comparison, and what is found is the same as with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData
from sqlmodel import AutoString

from oppmigrate.autogenerate import describe_all, unchanged
from oppmigrate.autogenerate.words import flatten
from oppmigrate.databases import open_database
from oppmigrate.environment import name_constraints
from oppmigrate.environment.comparing import compare_server_default

NEVER = 10**6
# what may be said of a table; the first is the commonest
OPTIONS: dict[str, tuple[Any, ...]] = {
    "text": (sa.String(50), AutoString(50), AutoString(80), sa.String(80), sa.Text()),
    "number": (sa.Integer(), sa.BigInteger(), sa.Numeric(10, 2), sa.Numeric(12, 2)),
    "nullable": (True, False),
    "default": (None, "x", "it's", sa.text("'x'")),
    "moment": (None, sa.text("CURRENT_TIMESTAMP"), sa.func.now()),
    "values": (("a", "b"), ("a", "b", "c"), ("b", "a")),
    "type_checks": (False, True),
    "key": (("id",), ("id", "flag"), ("flag", "id")),
    "index": (None, ("number",), ("number", "flag"), ("flag", "number"), ("number DESC",)),
    "index_is_unique": (False, True),
    "unique": (None, ("number",), ("number", "flag")),
    "unique_is_named": (True, False),
    "check": (None, "number > 0", "number >= 0 AND flag <> 3", "flag IN (1, 2)"),
    "refers": (None, "", "CASCADE", "SET NULL", "RESTRICT", "NO ACTION"),
    "comment": (None, "some words"),
    "column_comment": (None, "other words"),
    "generated": (None, "flag + 1"),
    "extra": (False, True),
}
Spec = dict[str, Any]
TABLES = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(each[:1] * 3 + each) for name, each in OPTIONS.items()}),
    min_size=4,
    max_size=4,
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([(name, value) for name, of in OPTIONS.items() for value in of])),
    max_size=3,
)


def metadata_of(specs: list[Spec]) -> MetaData:
    metadata = MetaData()
    for number, spec in enumerate(specs):
        _add_table(metadata, number, spec)
    name_constraints(metadata)
    return metadata


def _add_table(metadata: MetaData, number: int, spec: Spec) -> None:
    name = f"Table {number}" if number == 3 else f"table_{number}"
    lists = spec["type_checks"]
    enum = sa.Enum(*spec["values"], name=f"kind_{number}", native_enum=not lists, create_constraint=lists)
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, autoincrement="auto" if spec["key"] == ("id",) else False),
        sa.Column("flag", sa.Integer, nullable=False),
        sa.Column("text", spec["text"], nullable=spec["nullable"], comment=spec["column_comment"]),
        sa.Column("word", sa.String(20), server_default=spec["default"]),
        sa.Column("number", spec["number"], nullable=spec["nullable"]),
        sa.Column("moment", sa.DateTime(), server_default=spec["moment"]),
        sa.Column("kind", enum),
        sa.Column("order", sa.Integer),
        sa.Column("before", sa.Integer),
        sa.PrimaryKeyConstraint(*spec["key"]),
        *_constraints(name, number, spec),
        comment=spec["comment"],
    )
    if spec["extra"]:
        table.append_column(sa.Column("extra", sa.Integer))
    if spec["generated"]:
        table.append_column(sa.Column("generated", sa.Integer, sa.Computed(spec["generated"], persisted=True)))
    if spec["index"]:
        parts = [sa.text(part) if " " in part else table.c[part] for part in spec["index"]]
        sa.Index(f"ix_{number}", *parts, unique=spec["index_is_unique"], _table=table)


def _constraints(name: str, number: int, spec: Spec) -> Iterator[sa.Constraint]:
    yield sa.UniqueConstraint("order", name=f"uq_order_{number}")
    if spec["unique"]:
        yield sa.UniqueConstraint(*spec["unique"], name=f"uq_{number}" if spec["unique_is_named"] else None)
    if spec["check"]:
        yield sa.CheckConstraint(spec["check"], name=f"ck_{number}")
    if spec["refers"] is not None:
        there = f"table_{number - 1}" if number else name
        yield sa.ForeignKeyConstraint(["before"], [f"{there}.order"], ondelete=spec["refers"] or None)


@contextmanager
def made(url: str, metadata: MetaData) -> Iterator[Connection]:
    """A connection to a database with these tables, which are dropped afterwards."""
    engine = open_database(url).engine
    metadata.create_all(engine)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        metadata.drop_all(engine)


def found(connection: Connection, models: MetaData, fewest: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """What the comparison finds, as code and in words, with the quick look at all tables from so many on."""
    monkeypatch.setattr(unchanged, "FEWEST", fewest)
    context = MigrationContext.configure(connection, opts={"compare_server_default": compare_server_default})
    script = produce_migrations(context, models)
    assert script.upgrade_ops is not None
    words = [change.text for change in describe_all(flatten([script.upgrade_ops]))]
    code = render_python_code(script.upgrade_ops, migration_context=context)
    connection.rollback()
    return words, code


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs=TABLES, changes=CHANGES)
def test_finds_the_same_with_and_without_the_tables_that_are_as_modelled(
    database_url: str, monkeypatch: pytest.MonkeyPatch, specs: list[Spec], changes: list[tuple[int, tuple[str, Any]]]
) -> None:
    models = [dict(spec) for spec in specs]
    for number, (name, value) in changes:
        models[number][name] = value
    with made(database_url, metadata_of(specs)) as connection:
        wanted = metadata_of(models)
        assert found(connection, wanted, 1, monkeypatch) == found(connection, wanted, NEVER, monkeypatch)


class Shouted(sa.TypeDecorator[str]):
    """A type of the project's own, as long as it is told."""

    impl = sa.String
    cache_ok = True


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AutoString(50), AutoString(80)),
        (Shouted(50), Shouted(80)),
        (sa.String(50), sa.String(80)),
        (sa.Unicode(50), sa.Unicode(80)),
        (sa.Numeric(10, 2), sa.Numeric(12, 2)),
        (sa.Text(), AutoString(80)),
    ],
    ids=repr,
)
def test_finds_another_type_where_a_column_elsewhere_has_kept_its_own(
    before: Any, after: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found of one column goes for another only where both have the same type, in all that it says."""

    def tables(*types: Any) -> MetaData:
        metadata = MetaData()
        for number, type_ in enumerate(types):
            columns = (sa.Column("id", sa.Integer, primary_key=True), sa.Column("it", type_))
            sa.Table(f"table_{number}", metadata, *columns)
        return metadata

    with made(database_url, tables(before, before, before)) as connection:
        wanted = tables(before, after, before)
        told, _ = found(connection, wanted, 1, monkeypatch)
        assert [each.startswith("alter column table_1.it: type ") for each in told] == [True]
        assert told == found(connection, wanted, NEVER, monkeypatch)[0]


def plain_tables(number: int) -> MetaData:
    """As many tables, each of them with what the quick look has words for."""
    metadata = MetaData()
    for each in range(number):
        table = sa.Table(
            f"table_{each}",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(50), nullable=False, server_default="x"),
            sa.Column("kind", sa.Enum("a", "b", name="kind")),
            sa.Column("number", sa.Numeric(10, 2), index=True),
            sa.Column("moment", sa.DateTime(), server_default=sa.func.now()),
            sa.Column("before", sa.Integer, sa.ForeignKey(f"table_{max(each - 1, 0)}.id")),
            sa.CheckConstraint("number > 0", name=f"ck_{each}"),
            sa.UniqueConstraint("name", "number", name=f"uq_{each}"),
        )
        sa.Index(f"ix_{each}", table.c.name, table.c.id)
    name_constraints(metadata)
    return metadata


def statements_asked(url: str, number: int) -> int:
    metadata = plain_tables(number)
    asked: list[str] = []
    with made(url, metadata) as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        context = MigrationContext.configure(connection, opts={"compare_server_default": compare_server_default})
        script = produce_migrations(context, metadata)
        assert script.upgrade_ops is not None and script.upgrade_ops.is_empty()
        connection.rollback()
    return len(asked)


def test_asks_no_more_statements_of_more_tables(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "FEWEST", 1)
    assert statements_asked(database_url, 5) == statements_asked(database_url, 50)


def test_leaves_all_to_alembic_where_the_project_compares_types_by_itself(sqlite_url: str) -> None:
    asked: list[str] = []

    def compare_type(_context: Any, column: sa.Column[Any], *_: Any) -> bool:
        asked.append(column.name)
        return False

    metadata = plain_tables(30)
    with made(sqlite_url, metadata) as connection:
        produce_migrations(MigrationContext.configure(connection, opts={"compare_type": compare_type}), metadata)
    assert len(asked) == 30 * 6


def test_finds_what_the_project_leaves_out_by_name(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic takes a column that is left out in the database for a new one."""
    metadata = plain_tables(30)

    def include_name(name: str | None, type_: str, parents: Any) -> bool:
        return not (type_ == "column" and name == "name" and parents["table_name"] == "table_7")

    with made(sqlite_url, metadata) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": include_name})
        script = produce_migrations(context, metadata)
    assert script.upgrade_ops is not None
    assert [change.text for change in describe_all(flatten([script.upgrade_ops]))][:1] == [
        "add column table_7.name (VARCHAR(50), NOT NULL, default x)"
    ]


# what is done to a database behind the models' back: none of it may be overlooked that is found without the quick look
EVERYWHERE = (
    "ALTER TABLE table_3 ADD COLUMN late INTEGER",
    "CREATE INDEX ix_late ON table_3 (kind)",
    "CREATE UNIQUE INDEX ix_late ON table_3 (moment)",
    "CREATE INDEX ix_late ON table_3 (name DESC)",
    "DROP TABLE table_4",
    "CREATE TABLE late (id INTEGER PRIMARY KEY)",
    "CREATE VIEW table_late AS SELECT id FROM table_3",
)
BEHIND: dict[str, tuple[str, ...]] = {
    "sqlite": (
        *EVERYWHERE,
        "CREATE INDEX ix_late ON table_3 (kind) WHERE id > 3",
        "CREATE INDEX ix_late ON table_3 (kind COLLATE NOCASE)",
        "ALTER TABLE table_3 ADD COLUMN late INTEGER CHECK (late > 1)",
        "ALTER TABLE table_3 ADD COLUMN late INTEGER GENERATED ALWAYS AS (id + 1)",
        "ALTER TABLE table_3 RENAME COLUMN moment TO late",
        "CREATE TRIGGER late AFTER INSERT ON table_3 BEGIN SELECT 1; END",
    ),
    "postgresql": (
        *EVERYWHERE,
        "CREATE INDEX ix_late ON table_3 (kind) WHERE id > 3",
        "CREATE INDEX ix_late ON table_3 USING hash (name)",
        "CREATE INDEX ix_late ON table_3 (name varchar_pattern_ops)",
        "CREATE INDEX ix_late ON table_3 (name) INCLUDE (number)",
        "CREATE INDEX ix_late ON table_3 (lower(name))",
        "CREATE INDEX ix_late ON table_3 (name) WITH (fillfactor = 50)",
        "ALTER TABLE table_3 ALTER COLUMN name TYPE TEXT",
        "ALTER TABLE table_3 ALTER COLUMN name TYPE VARCHAR(60)",
        "ALTER TABLE table_3 ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE table_3 ALTER COLUMN name DROP DEFAULT",
        "ALTER TABLE table_3 ALTER COLUMN name SET DEFAULT 'y'",
        'ALTER TABLE table_3 ALTER COLUMN name TYPE VARCHAR(50) COLLATE "C"',
        "ALTER TABLE table_3 ALTER COLUMN id DROP DEFAULT",
        "ALTER TABLE table_3 ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY",
        "ALTER TABLE table_3 ALTER COLUMN id SET DEFAULT nextval('table_4_id_seq')",
        "ALTER TABLE table_3 DROP CONSTRAINT ck_3",
        "ALTER TABLE table_3 DROP CONSTRAINT ck_3, ADD CONSTRAINT ck_3 CHECK (number > 1)",
        "ALTER TABLE table_3 DROP CONSTRAINT uq_3, ADD CONSTRAINT uq_3 UNIQUE (number, name)",
        "ALTER TABLE table_3 DROP CONSTRAINT uq_3, ADD CONSTRAINT uq_3 UNIQUE (name, number) DEFERRABLE",
        "ALTER TABLE table_3 DROP CONSTRAINT uq_3, ADD CONSTRAINT uq_3 UNIQUE (name, number) INCLUDE (id)",
        "ALTER TABLE table_3 DROP CONSTRAINT uq_3; CREATE UNIQUE INDEX uq_3 ON table_3 (name, number)",
        "ALTER TABLE table_3 ADD CONSTRAINT late EXCLUDE (name WITH =)",
        "ALTER TABLE table_3 DROP CONSTRAINT fk_table_3_before_table_2",
        "ALTER TABLE table_3 ADD CONSTRAINT fk_late FOREIGN KEY (before) REFERENCES table_2 (id)",
        "ALTER TABLE table_3 DROP CONSTRAINT fk_table_3_before_table_2,"
        " ADD CONSTRAINT fk_table_3_before_table_2 FOREIGN KEY (before) REFERENCES table_2 (id) DEFERRABLE",
        "ALTER TABLE table_3 DROP CONSTRAINT fk_table_3_before_table_2,"
        " ADD CONSTRAINT fk_table_3_before_table_2 FOREIGN KEY (before) REFERENCES table_2 (id) MATCH FULL",
        "ALTER TABLE table_3 DROP CONSTRAINT pk_table_3 CASCADE",
        "ALTER TABLE table_3 ADD COLUMN late INTEGER GENERATED ALWAYS AS (id + 1) STORED",
        "COMMENT ON TABLE table_3 IS 'late'",
        "COMMENT ON COLUMN table_3.name IS 'late'",
        "ALTER TYPE kind ADD VALUE 'late'",
        "CREATE TABLE late () INHERITS (table_3)",
        "CREATE DOMAIN late AS VARCHAR(50); ALTER TABLE table_3 ALTER COLUMN name TYPE late",
    ),
    "mysql": (
        *EVERYWHERE,
        "CREATE INDEX ix_late ON table_3 (name(5))",
        "CREATE FULLTEXT INDEX ix_late ON table_3 (name)",
        "ALTER TABLE table_3 MODIFY name VARCHAR(60) NOT NULL DEFAULT 'x'",
        "ALTER TABLE table_3 MODIFY name VARCHAR(50) NULL DEFAULT 'x'",
        "ALTER TABLE table_3 MODIFY name VARCHAR(50) CHARACTER SET latin1 NOT NULL DEFAULT 'x'",
        "ALTER TABLE table_3 MODIFY name VARCHAR(50) NOT NULL DEFAULT 'x' COMMENT 'late'",
        "ALTER TABLE table_3 MODIFY name VARCHAR(50) NOT NULL DEFAULT 'x' CHECK (name <> 'late')",
        "ALTER TABLE table_3 MODIFY moment DATETIME DEFAULT now() ON UPDATE now()",
        "ALTER TABLE table_3 MODIFY kind ENUM('a', 'b', 'late')",
        "ALTER TABLE table_3 COMMENT 'late'",
        "ALTER TABLE table_3 DROP CONSTRAINT ck_3, ADD CONSTRAINT ck_3 CHECK (number > 1)",
        "ALTER TABLE table_3 DROP FOREIGN KEY fk_table_3_before_table_2",
        "ALTER TABLE table_3 ADD COLUMN late INTEGER GENERATED ALWAYS AS (number + 1) STORED",
        "ALTER TABLE table_3 ADD COLUMN late JSON",
        "ALTER TABLE table_3 ADD INDEX ix_late (`before`)",
    ),
}


def test_finds_what_was_done_behind_the_models_back(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, models = open_database(database_url), plain_tables(5)
    unnoticed = []
    for statement in BEHIND[database.url.get_backend_name()]:
        models.create_all(database.engine)
        with database.engine.connect() as connection:
            for each in statement.split("; ") if "TRIGGER" not in statement else [statement]:
                connection.exec_driver_sql(each)
            connection.commit()
            quick, whole = (found(connection, models, fewest, monkeypatch) for fewest in (1, NEVER))
        database.delete()
        assert quick == whole, statement
        if not whole[0]:
            unnoticed.append(statement)
    assert len(unnoticed) < len(BEHIND[database.url.get_backend_name()]) / 2, unnoticed
