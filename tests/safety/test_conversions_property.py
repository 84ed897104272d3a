"""Any values under any new type: what the guard lets pass comes back as it was, what it refuses fails or changes.

Documented equivalences, in which nothing is lost: zeros at the end of a fraction, -0 and 0, the padding of char(n)
and BINARY(n), the layout of a JSON text, and, on MariaDB, how a text writes a time.
"""

import datetime
import decimal
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import UserDefinedType

from guarded import NO_FILE
from oppmigrate.databases import Database, open_database
from oppmigrate.errors import RowsDoNotFit
from oppmigrate.safety import guarding

STRICT = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES'"
EXAMPLES = int(os.environ.get("OPPMAN_TEST_EXAMPLES", "60"))
THOROUGH = settings(
    max_examples=EXAMPLES,
    derandomize="OPPMAN_TEST_EXAMPLES" not in os.environ,  # the same examples every day, unless more are asked for
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class Spelled(UserDefinedType[Any]):
    """A type as SQL spells it."""

    cache_ok = True

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def get_col_spec(self, **_: Any) -> str:
        return self.sql


class Tried:
    """One connection, on which tables are made, altered and dropped again."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self.database = database
        self.connection = connection

    def do(self, statement: str, **values: Any) -> list[Any]:
        result = self.connection.execute(sa.text(statement), values)
        return list(result) if result.returns_rows else []

    def fill(self, type_sql: str, values: list[Any]) -> None:
        self.do("DROP TABLE IF EXISTS t")
        self.do(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type_sql} NULL)")
        for n, value in enumerate(values):
            self.do(
                f"INSERT INTO t VALUES ({n}, CAST(:v AS {type_sql}))"
                if self.is_postgresql
                else f"INSERT INTO t VALUES ({n}, :v)",
                v=value,
            )
        self.connection.commit()

    @property
    def is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def alter(self, type_sql: str) -> RowsDoNotFit | None:
        """Under the guard."""
        operations = Operations(MigrationContext.configure(self.connection))
        try:
            with guarding(operations, self.database, "r1", NO_FILE):
                operations.alter_column("t", "v", type_=Spelled(type_sql), existing_type=sa.Text())
        except RowsDoNotFit as error:
            self.connection.rollback()
            return error
        self.connection.commit()
        return None

    def alter_alone(self, new: str) -> None:
        """With no guard."""
        if self.is_postgresql:
            self.do(f"ALTER TABLE t ALTER v TYPE {new}")
        else:
            self.do(f"ALTER TABLE t MODIFY v {new} NULL")

    def back(self, old: str) -> None:
        if self.is_postgresql:
            self.do(f"ALTER TABLE t ALTER v TYPE {old} USING v::{old}")
        else:
            self.do("SET SESSION sql_mode = ''")  # strict mode would stumble over the padding of BINARY(n)
            self.do(f"ALTER TABLE t MODIFY v {old} NULL")
            self.do(STRICT)
        self.connection.commit()

    def values(self) -> dict[int, Any]:
        return dict(tuple(row) for row in self.do("SELECT id, v FROM t"))

    def texts(self, old: str) -> dict[int, Any]:
        exact = "CAST(v AS DOUBLE)" if old == "FLOAT" else "v"  # MariaDB writes a FLOAT with six digits
        return dict(tuple(row) for row in self.do(f"SELECT id, {self.database.as_text(exact)} FROM t"))


@pytest.fixture(params=["postgresql", "mysql"])
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    database = open_database(str(request.getfixturevalue(f"{request.param}_url")))
    with database.engine.connect() as connection:
        if request.param == "postgresql":
            connection.exec_driver_sql("SET timezone = 'UTC'")
            connection.connection.driver_connection.prepare_threshold = None  # plans do not outlive a column's type
        else:
            connection.exec_driver_sql(STRICT)
            connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        connection.commit()
        yield Tried(database, connection)


# ---- values

LETTERS = st.text(alphabet="aB é€0179.- T:", max_size=10)
NUMBERS_AS_TEXT = st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
MOMENTS = st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2090, 1, 1))
ROUND_MOMENTS = MOMENTS.map(lambda moment: moment.replace(microsecond=0))
DAYS = st.dates(datetime.date(1950, 1, 1), datetime.date(2090, 1, 1)).map(
    lambda day: datetime.datetime.combine(day, datetime.time())
)
TIMES = st.one_of(MOMENTS, ROUND_MOMENTS, DAYS)
DECIMALS = st.decimals(-99999999, 99999999, places=4)


def whole(bits: int) -> st.SearchStrategy[int]:
    edge = 2 ** (bits - 1)
    near = st.sampled_from([-edge, edge - 1, -129, -128, 127, 128, 32767, 32768, -32769, 0, 1, 9, 10, 99, 100])
    return st.one_of(near.filter(lambda n: -edge <= n < edge), st.integers(-edge, edge - 1), st.integers(-12, 12))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """JSON with keys in any order, twice, and spaces in any place."""
    keys = st.sampled_from(["a", "bb", "c", "é"])
    leaf = st.one_of(st.none(), st.booleans(), st.integers(-9, 999), st.sampled_from([1.5, 100.0]), LETTERS)

    def render(depth: int) -> str:
        kind = draw(st.sampled_from(["leaf", "leaf", "list", "object"] if depth else ["leaf"]))
        space = draw(st.sampled_from(["", " ", "\n"]))
        if kind == "leaf":
            return json.dumps(draw(leaf), ensure_ascii=draw(st.booleans()))
        if kind == "list":
            return "[" + f",{space}".join(render(depth - 1) for _ in range(draw(st.integers(0, 2)))) + space + "]"
        pairs = [f"{json.dumps(draw(keys))}:{space}{render(depth - 1)}" for _ in range(draw(st.integers(0, 3)))]
        return "{" + f"{space},".join(pairs) + "}"

    return render(2)


POSTGRESQL_OLD: dict[str, st.SearchStrategy[Any]] = {
    "smallint": whole(16),
    "integer": whole(32),
    "bigint": whole(64),
    "numeric(12,4)": DECIMALS.map(str),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25).map(str),
    "double precision": st.one_of(st.floats().map(repr), st.integers(-300, 300).map(str)),
    "real": st.one_of(st.floats(width=32).map(repr), st.integers(-300, 300).map(str)),
    "varchar(12)": LETTERS,
    "text": LETTERS,
    "char(6)": LETTERS.map(lambda text: text[:6]),
    "boolean": st.booleans(),
    "timestamp": TIMES.map(str),
    "timestamp(3)": TIMES.map(str),
    "timestamptz": TIMES.map(str),
    "date": DAYS.map(str),
    "time": TIMES.map(lambda moment: str(moment.time())),
    "interval": st.builds("{} months {} days {} seconds".format, whole(8), whole(8), st.decimals(-9, 99999, places=3)),
    "json": documents(),
    "bit(4)": st.text(alphabet="01", min_size=4, max_size=4),
    "bit varying(8)": st.text(alphabet="01", max_size=8),
    "uuid": st.uuids().map(str),
    "integer[]": st.lists(whole(32), max_size=3).map(lambda numbers: "{" + ",".join(map(str, numbers)) + "}"),
}
# fmt: off
POSTGRESQL_NEW = (
    "smallint", "integer", "bigint", "numeric(6,2)", "numeric(14,5)", "numeric(3,-1)", "numeric", "real", "float8",
    "varchar(4)", "varchar(40)", "text", "char(8)", "date", "timestamp(0)", "timestamp", "timestamptz",
    "timestamptz(1)", "time(0)", "json", "jsonb", "bit(4)", "bit(6)", "varbit(3)", "boolean", "interval(0)",
    "smallint[]", "bigint[]", "name", "varchar",
)
# fmt: on

MYSQL_OLD: dict[str, st.SearchStrategy[Any]] = {
    "TINYINT": whole(8),
    "INT": whole(32),
    "INT UNSIGNED": whole(32).map(abs),
    "BIGINT": whole(64),
    "DECIMAL(12,4)": DECIMALS.map(str),
    "DOUBLE": st.one_of(st.floats(-1e15, 1e15), st.integers(-300, 300)),
    "FLOAT": st.one_of(st.floats(-(2.0**60), 2.0**60, width=32), st.integers(-300, 300)),
    "VARCHAR(30)": st.one_of(LETTERS, NUMBERS_AS_TEXT, TIMES.map(str), TIMES.map(datetime.datetime.isoformat)),
    "TEXT": st.one_of(LETTERS, NUMBERS_AS_TEXT),
    "CHAR(6)": LETTERS.map(lambda text: text[:6]),
    "VARCHAR(10) CHARACTER SET latin1": LETTERS,
    "DATETIME(6)": TIMES.map(str),
    "DATETIME": TIMES.map(str),
    "DATE": DAYS.map(str),
    "TIMESTAMP(3)": TIMES.filter(lambda moment: 1971 < moment.year < 2037).map(str),
    "TIME(3)": TIMES.map(lambda moment: str(moment.time())),
    "ENUM('a','B','12','9')": st.sampled_from(["a", "B", "12", "9"]),
    "SET('a','b')": st.sampled_from(["", "a", "a,b"]),
    "VARBINARY(8)": st.binary(max_size=8),
    "BIT(9)": st.integers(0, 511),
    "YEAR": st.integers(1901, 2155),
}
# fmt: off
MYSQL_NEW = (
    "TINYINT", "SMALLINT UNSIGNED", "INT", "BIGINT", "BIGINT UNSIGNED", "DECIMAL(6,2)", "DECIMAL(14,5)",
    "DECIMAL(22,0)", "FLOAT", "DOUBLE", "VARCHAR(4)", "VARCHAR(40)", "CHAR(8)", "CHAR(3)", "TEXT", "TINYTEXT", "BLOB",
    "VARBINARY(4)", "BINARY(6)", "VARCHAR(40) CHARACTER SET latin1", "VARCHAR(40) CHARACTER SET utf8mb3", "DATE",
    "DATETIME", "DATETIME(3)", "TIMESTAMP", "TIME", "ENUM('B','a')", "ENUM('a','B','12','9','x')", "SET('b','a')",
    "BIT(8)", "YEAR", "BOOL", "VARCHAR(30) COLLATE utf8mb4_bin",
)
# fmt: on


# ---- the property


def same(old: Any, new: Any) -> bool:
    """Equal, or written in another way."""
    if isinstance(old, str) and isinstance(new, str):
        return _plain(old) == _plain(new)
    if isinstance(old, float) and isinstance(new, float):
        return old == new or (old != old and new != new)
    return bool(old == new)


def _plain(text: str) -> str:
    text = text.replace("T", " ") if re.match(r"\d{4}-\d\d-\d\dT", text) else text
    text = re.sub(r"(\d\.\d*?)0+$", r"\1", text).removesuffix(".") if re.search(r"\d\.\d+$", text) else text
    return text.removesuffix(" 00:00:00") if re.match(r"\d{4}-\d\d-\d\d 00:00:00$", text) else text


@THOROUGH
@given(data=st.data())
def test_what_passes_comes_back_and_what_is_refused_fails_or_changes(tried: Tried, data: st.DataObject) -> None:
    old_types, new_types = (POSTGRESQL_OLD, POSTGRESQL_NEW) if tried.is_postgresql else (MYSQL_OLD, MYSQL_NEW)
    old = data.draw(st.sampled_from(list(old_types)), label="old")
    new = data.draw(st.sampled_from(list(new_types)), label="new")
    # MariaDB goes by six digits from one to the other in an ALTER, and by all of them elsewhere
    assume(not (old.startswith(("DATE", "TIME")) and new in ("DOUBLE", "FLOAT")))
    values = data.draw(st.lists(old_types[old], min_size=1, max_size=4), label="values")
    try:
        tried.fill(old, [*values, None])
    except DBAPIError:  # not a value of the type, such as a character that its set has not
        tried.connection.rollback()
        assume(False)
    before, texts = tried.values(), tried.texts(old)
    try:
        refusal = tried.alter(new)
    except DBAPIError as error:
        tried.connection.rollback()
        assert _never_assigns(tried, old, new), error
        return
    if refusal is None:
        tried.back(old)
        after = tried.values()
        assert {key: value for key, value in after.items() if not same(before[key], value)} == {}
        return
    assert tried.texts(old) == texts
    assert refusal.facts["count"] == len(refusal.facts["sample"])
    for row in refusal.facts["sample"]:
        assert _fails_or_changes(tried, old, new, texts[row["id"]], values[row["id"]]), row


def _never_assigns(tried: Tried, old: str, new: str) -> bool:
    """Does the server refuse the ALTER of an empty table as well?"""
    tried.fill(old, [])
    try:
        tried.alter_alone(new)
    except DBAPIError:
        tried.connection.rollback()
        return True
    return False


def _fails_or_changes(tried: Tried, old: str, new: str, text: Any, value: Any) -> bool:
    tried.fill(old, [value])
    try:
        tried.alter_alone(new)
        there = tried.texts("")[0]
        tried.back(old)
    except DBAPIError:
        tried.connection.rollback()
        return True
    back = tried.texts(old)[0]
    if old.startswith("BIT") and there is not None:
        return True  # some texts get its bytes, some its digits: refused without a look
    # a member comes back from the number that it became
    is_another = there != text and any(kind in f"{old} {new}" for kind in ("ENUM", "SET", "BIT"))
    is_no_date = str(there).startswith("0000-00-00")
    return bool(back != text or is_another or is_no_date)


def test_decimal_equality_is_used() -> None:
    """The comparison above can fail."""
    assert same("1.50", "1.5")
    assert same(decimal.Decimal("1.50"), decimal.Decimal("1.5"))
    assert not same("1.5", "15")
    assert not same("007", "7")
