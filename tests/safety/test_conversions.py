"""Values that a new type does not take, or changes, are found before it is given; what keeps them costs no look."""

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql, postgresql

from guarded import Change, Rows

STRICT = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES'"
LAX = "SET SESSION sql_mode = ''"


def table(url: str, type_sql: str, *values: str, extra: tuple[str, ...] = ()) -> Rows:
    """A table `t` with a key and a column `v` of this type, a row for each value, and one with NULL."""
    listed = ", ".join(f"({n}, {value})" for n, value in enumerate((*values, "NULL"), 1))
    return Rows(url, *extra, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type_sql})", f"INSERT INTO t VALUES {listed}")


def to(type_: object, **options: object) -> Change:
    return lambda op: op.alter_column("t", "v", type_=type_, existing_type=sa.Text(), **options)  # type: ignore[arg-type]


def misfits(rows: Rows, change: Change, *settings: str) -> list[object]:
    """The ids of the rows that are refused."""
    return [row["id"] for row in rows.refuses(change, *settings).facts["sample"]]


# ---- PostgreSQL: type, values that are kept, new type, values that do not fit

POSTGRESQL = {
    "fractions that a scale rounds": ("numeric(10,3)", ["1.100", "2"], sa.Numeric(10, 1), ["1.25", "0.001"]),
    "digits that a precision does not take": ("numeric(10,2)", ["99.5"], sa.Numeric(4, 2), ["100.5", "12345.00"]),
    "fractions of a float": ("double precision", ["1", "-3", "1e9"], sa.Integer(), ["1.5", "1e-3"]),
    "floats out of range": ("double precision", ["1"], sa.Integer(), ["1e10", "'NaN'"]),
    "floats that a number of 15 digits does not hold": ("double precision", ["0.5"], sa.Numeric(), ["0.1::float8+0.2"]),
    "doubles that a real does not hold": ("double precision", ["0.5"], sa.REAL(), ["0.1"]),
    "numbers that a double does not hold": ("numeric", ["1.5"], sa.Double(), ["12345678901234567890.1"]),
    "numbers that a smaller one does not hold": ("bigint", ["7", "-32768"], sa.SmallInteger(), ["32768", "99999"]),
    "times of a day": ("timestamp", ["'2024-01-01'"], sa.Date(), ["'2024-01-01 00:00:01'"]),
    "fractions of a second": (
        "timestamp",
        ["'2024-01-01 10:00:01'"],
        postgresql.TIMESTAMP(precision=0),
        ["'2024-01-01 10:00:01.5'"],
    ),
    "texts that are longer": ("varchar(10)", ["'abc'", "''"], sa.String(3), ["'abcd'", "'ab  '"]),
    "texts without a limit": ("text", ["'abc'"], sa.String(3), ["'abcd'"]),
    "spaces at the end, which char(n) has not": ("varchar(10)", ["'ab'"], sa.CHAR(5), ["'ab '", "'abcdef'"]),
    "numbers longer than the text": ("integer", ["12", "-1"], sa.String(2), ["123", "-12"]),
    "booleans longer than the text": ("boolean", [], sa.String(3), ["true", "false"]),
    "bits of another number": ("bit(3)", [], postgresql.BIT(5), ["B'101'"]),
    "keys in another order": (
        "json",
        ['\'{"a": [1, {"b":null}], "bb": 1.50}\'', "'\"\\u00e9\"'", "'null'", "' [ ] '", "'{\"a\": 1e2}'"],
        postgresql.JSONB(),
        ['\'{"bb":1,"a":2}\'', '\'[{"a":1,"a":2}]\'', '\'{"a":"\\u0000"}\''],
    ),
    "an enum's members in a short text": ("kind", ["'low'"], sa.String(3), ["'middle'"]),
    "elements of an array": ("integer[]", ["'{1,2}'"], postgresql.ARRAY(sa.SmallInteger()), ["'{1,99999}'"]),
    "hours and minutes of a span": ("interval", ["'1 day'"], postgresql.INTERVAL(fields="DAY"), ["'1 day 02:00'"]),
}


@pytest.mark.parametrize("case", POSTGRESQL)
def test_postgresql_values_that_would_be_lost_are_refused_and_others_kept(postgresql_url: str, case: str) -> None:
    old, kept, new, lost = POSTGRESQL[case]
    rows = table(postgresql_url, old, *kept, *lost, extra=("CREATE TYPE kind AS ENUM ('low', 'middle')",))
    first = len(kept) + 1
    assert misfits(rows, to(new)) == list(range(first, first + len(lost)))
    rows.do(f"DELETE FROM t WHERE id BETWEEN {first} AND {len(kept) + len(lost)}")
    rows.takes(to(new))


def test_message_of_a_lossy_conversion(postgresql_url: str) -> None:
    error = table(postgresql_url, "varchar(10)", "'abcd'", "'ab'").refuses(to(sa.String(3)))
    assert error.what == (
        "revision r1 gives `t.v` the type VARCHAR(3), and 1 of 3 rows holds a value that it does not take, or changes"
    )
    assert error.why == "it is id=1, v='abcd'"
    assert (error.do or "").endswith("write above it: # oppman: allow lossy-conversion -- REASON")
    assert error.facts["sample"] == [{"id": 1, "v": "abcd"}]


def test_times_with_and_without_a_zone_are_the_same_in_utc_only(postgresql_url: str) -> None:
    rows = table(postgresql_url, "timestamptz", "'2024-01-01 10:00:00+00'", "'2024-07-01 10:00:00+02'")
    without, with_zone = to(sa.DateTime()), to(sa.DateTime(timezone=True))
    assert misfits(rows, without, "SET timezone = 'Europe/Berlin'") == [1, 2]
    rows.takes(without, "SET timezone = 'UTC'")
    assert misfits(rows, with_zone, "SET timezone = 'America/New_York'") == [1, 2]
    rows.takes(with_zone, "SET timezone = 'UTC'")
    assert rows.rows("SELECT v = '2024-07-01 08:00:00+00' FROM t WHERE id = 2") == [(True,)]


def test_using_is_somebody_s_own_word_and_only_what_fails_is_reported(postgresql_url: str) -> None:
    rows = table(postgresql_url, "text", "'7'", "'abc'", "'007'", "'1e3'", "'99999999999'")
    using = to(sa.Integer(), postgresql_using="t.v::integer")
    error = rows.refuses(using)
    assert [row["id"] for row in error.facts["sample"]] == [2, 4, 5]
    assert "a value that `t.v::integer` does not convert" in error.what
    rows.do("DELETE FROM t WHERE id IN (2, 4, 5)")
    rows.takes(using)
    assert rows.rows("SELECT v FROM t ORDER BY id") == [(7,), (7,), (None,)]


def test_using_with_a_percent_sign_and_another_column(postgresql_url: str) -> None:
    rows = table(postgresql_url, "text", "'10'", "'x'")
    error = rows.refuses(to(sa.Integer(), postgresql_using="(v::integer %% 7) + id"))
    assert [row["id"] for row in error.facts["sample"]] == [2]


def test_members_that_an_enum_has_not(postgresql_url: str) -> None:
    rows = table(postgresql_url, "text", "'low'", "'gone'", extra=("CREATE TYPE kind AS ENUM ('low', 'middle')",))
    kind = postgresql.ENUM("low", "middle", name="kind", create_type=False)
    assert misfits(rows, to(kind, postgresql_using="v::kind")) == [2]


def test_what_the_server_refuses_whatever_the_values_is_left_to_it(postgresql_url: str) -> None:
    rows = table(postgresql_url, "text", "'abc'")
    with pytest.raises(sa.exc.ProgrammingError, match="cannot be cast automatically"):
        rows.run(to(sa.Integer()))
    with pytest.raises(sa.exc.ProgrammingError, match="does not exist"):
        rows.run(to(sa.Integer(), postgresql_using="nowhere::integer"))


def test_conversion_of_a_role_that_may_make_no_function(postgresql_url: str) -> None:
    rows = table(postgresql_url, "text", "'abc'", "'1'")
    name = rows.database.url.database
    rows.do(
        f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC",
        f"CREATE ROLE {name}_r",
        f"ALTER TABLE t OWNER TO {name}_r",
    )
    try:
        with pytest.raises(sa.exc.DataError, match="abc"):
            rows.run(to(sa.Integer(), postgresql_using="v::integer"), f"SET ROLE {name}_r")
    finally:
        rows.do("DROP TABLE t", f"DROP ROLE {name}_r")


# ---- MariaDB

MYSQL = {
    "texts that are no number": ("VARCHAR(20)", ["'7'", "'-3'", "'0'"], sa.Integer(), ["'abc'", "'007'", "'1x'", "''"]),
    "numbers out of range": ("BIGINT", ["7", "-128"], mysql.TINYINT(), ["128", "-129"]),
    "negative numbers": ("INT", ["7"], mysql.INTEGER(unsigned=True), ["-1"]),
    "fractions of a float": ("DOUBLE", ["1", "-3"], sa.Integer(), ["1.5", "0.001", "1e10"]),
    "fractions that a scale rounds": ("DECIMAL(10,3)", ["1.100"], sa.Numeric(10, 1), ["1.25"]),
    "doubles that a float does not hold": ("DOUBLE", ["0.5"], mysql.FLOAT(), ["0.1234567890123"]),
    "texts that are longer": ("VARCHAR(10)", ["'abc'"], sa.String(3), ["'abcd'", "'ab  '"]),
    "spaces at the end, which CHAR has not": ("VARCHAR(10)", ["'ab'"], sa.CHAR(5), ["'ab '", "'abcdef'"]),
    "long texts": ("TEXT", ["'abc'"], mysql.TINYTEXT(), ["REPEAT('x', 256)"]),
    "members that an ENUM has no more": ("ENUM('a','b','c')", ["'a'", "'b'"], mysql.ENUM("b", "a"), ["'c'"]),
    "members that become numbers": ("ENUM('a','b')", [], sa.Integer(), ["'a'", "'b'"]),
    "numbers that become members": ("INT", [], mysql.ENUM("a", "b"), ["1", "5"]),
    "fractions of a second": (
        "DATETIME(6)",
        ["'2024-01-01 10:00:01'"],
        mysql.DATETIME(),
        ["'2024-01-01 10:00:01.5'"],
    ),
    "times of a day": ("DATETIME", ["'2024-01-01'"], sa.Date(), ["'2024-01-01 00:00:01'"]),
    "texts that are no time": (
        "VARCHAR(30)",
        ["'2024-01-01 10:00:00'", "'2024-01-01'", "'2024-01-01T10:00:00'", "'2024-01-01 10:00:00.000'"],
        mysql.DATETIME(),
        ["'soon'", "'2024-02-30'", "'2024-01-01 10:00:00.5'"],
    ),
    "times that a TIMESTAMP has not": ("DATETIME", ["'2024-01-01'"], mysql.TIMESTAMP(), ["'1901-01-01'"]),
    "characters that a set has not": (
        "VARCHAR(10)",
        ["'é'", "'a'"],
        mysql.VARCHAR(10, charset="latin1"),
        ["'€🌙'", "'Ω'"],
    ),
    "texts that are no JSON": ("TEXT", ['\'{"b": 1, "a": 2}\''], sa.JSON(), ["'{'"]),
    "numbers longer than the text": ("INT", ["12"], sa.String(2), ["123"]),
    "amounts as texts": ("VARCHAR(10)", ["'1.5'", "'1.50'", "'10.00'", "'-2'"], sa.Numeric(6, 2), ["'1.555'", "'1,5'"]),
    "bytes that are no text": ("VARBINARY(10)", ["'abc'"], sa.String(10), ["X'FF00'"]),
}


@pytest.mark.parametrize("mode", [STRICT, LAX], ids=["strict", "lax"])
@pytest.mark.parametrize("case", MYSQL)
def test_mariadb_values_that_would_be_lost_are_refused_and_others_kept(mysql_url: str, case: str, mode: str) -> None:
    old, kept, new, lost = MYSQL[case]
    rows = table(mysql_url, old, *kept, *lost)
    first = len(kept) + 1
    assert misfits(rows, to(new), mode) == list(range(first, first + len(lost)))
    rows.do(f"DELETE FROM t WHERE id BETWEEN {first} AND {len(kept) + len(lost)}")
    rows.takes(to(new), mode)


def test_type_that_the_server_is_told_again_is_looked_at(mysql_url: str) -> None:
    rows = table(mysql_url, "VARCHAR(50)", "'a long enough text'")
    change = lambda op: op.alter_column("t", "v", existing_type=sa.String(5), new_column_name="w")  # noqa: E731
    assert misfits(rows, change) == [1]
    rows.takes(lambda op: op.alter_column("t", "v", existing_type=sa.String(50), new_column_name="w"))


def test_new_default_alone_is_no_conversion(mysql_url: str) -> None:
    rows = table(mysql_url, "VARCHAR(50)", "'a long enough text'")
    rows.takes(lambda op: op.alter_column("t", "v", existing_type=sa.String(5), server_default="x"))


def test_check_of_the_new_type_is_looked_at(mysql_url: str, postgresql_url: str) -> None:
    kind = sa.Enum("low", "high", name="kind", native_enum=False, create_constraint=True, length=10)
    for url in (mysql_url, postgresql_url):
        rows = table(url, "VARCHAR(10)", "'low'", "'middle'")
        change = lambda op: op.alter_column("t", "v", type_=kind)  # noqa: E731
        error = rows.refuses(change)
        assert [row["id"] for row in error.facts["sample"]] == [2]
        assert "adds the CHECK" in error.what


# ---- what costs no look

WIDER = {
    "postgresql": [
        ("varchar(50)", sa.String(100)),
        ("varchar(50)", sa.Text()),
        ("varchar(50)", sa.String()),
        ("integer", sa.BigInteger()),
        ("smallint", sa.Integer()),
        ("numeric(10,2)", sa.Numeric(12, 2)),
        ("numeric(10,2)", sa.Numeric()),
        ("integer", sa.Numeric(12, 2)),
        ("real", sa.Double()),
        ("timestamp(3)", sa.TIMESTAMP()),
        ("integer", sa.String(20)),
        ("kind", sa.Text()),
        ("varchar(50)", sa.String(50)),
        ("timestamptz", sa.DateTime()),
    ],
    "mysql": [
        ("VARCHAR(50)", sa.String(100)),
        ("VARCHAR(50)", sa.Text()),
        ("TEXT", mysql.LONGTEXT()),
        ("INT", sa.BigInteger()),
        ("TINYINT UNSIGNED", sa.SmallInteger()),
        ("DECIMAL(10,2)", sa.Numeric(12, 2)),
        ("INT", sa.Numeric(12, 2)),
        ("FLOAT", mysql.DOUBLE()),
        ("DATETIME", mysql.DATETIME(fsp=6)),
        ("DATE", sa.DateTime()),
        ("ENUM('a','b')", mysql.ENUM("a", "b", "c")),
        ("ENUM('a','b')", sa.String(1)),
        ("VARCHAR(50) CHARACTER SET latin1", mysql.VARCHAR(50, charset="utf8mb4")),
        ("VARCHAR(50)", sa.String(50)),
        ("TINYINT(1)", sa.Boolean()),
        ("INT(11)", sa.Integer()),
    ],
}


def looks_at(rows: Rows, change: Change) -> list[str]:
    """The statements that read the table's rows while the change is carried out, but for the count of rows."""
    seen: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if (
            " t " in f"{statement} "
            and statement.startswith(("SELECT", "INSERT"))
            and "LIMIT 1000000)" not in statement
        ):
            seen.append(statement)

    def listening(op: Operations) -> None:
        sa.event.listen(op.get_bind(), "before_cursor_execute", heard)
        change(op)

    rows.run(listening)
    return seen


@pytest.mark.parametrize(("server", "old", "new"), [(s, *pair) for s, pairs in WIDER.items() for pair in pairs])
def test_wider_type_costs_no_look(request: pytest.FixtureRequest, server: str, old: str, new: object) -> None:
    url = str(request.getfixturevalue(f"{server}_url"))
    extra = ("CREATE TYPE kind AS ENUM ('low', 'middle')",) if server == "postgresql" else ()
    assert looks_at(table(url, old, extra=extra), to(new)) == []


@pytest.mark.parametrize(("server", "old"), [("postgresql", "varchar(50)"), ("mysql", "VARCHAR(50)")])
def test_narrower_type_is_looked_at(request: pytest.FixtureRequest, server: str, old: str) -> None:
    """So that the test above can fail."""
    assert looks_at(table(str(request.getfixturevalue(f"{server}_url")), old, "'a'"), to(sa.String(5)))


def test_column_that_is_not_null_already_costs_no_look(postgresql_url: str, mysql_url: str) -> None:
    for url in (postgresql_url, mysql_url):
        rows = Rows(url, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL)")
        change = lambda op: op.alter_column("t", "v", existing_type=sa.Integer(), nullable=False)  # noqa: E731
        assert looks_at(rows, change) == []
