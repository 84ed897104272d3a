"""Rows that a new constraint would not hold for are found before it is added, on each server; others pass."""

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

from guarded import Change, Rows

USERS = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50), name VARCHAR(50), age INTEGER)",
    "INSERT INTO users VALUES (1, 'a@x', 'Ada', 36), (2, 'b@x', 'Bob', 7), (3, NULL, 'Cy', NULL), (4, NULL, NULL, 7)",
)
FAMILY = (
    "CREATE TABLE parents (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))",
    "CREATE TABLE children (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, boss INTEGER)",
    "INSERT INTO parents VALUES (1, 1), (1, 2)",
    "INSERT INTO children VALUES (1, 1, 1, NULL), (2, 1, 2, 1), (3, NULL, 9, 2), (4, 1, NULL, 4)",
)


@pytest.fixture(params=["postgresql", "mysql"])
def server_url(request: pytest.FixtureRequest) -> str:
    """A server that alters tables where they stand; on SQLite the rebuild looks at the rows."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def users(server_url: str) -> Rows:
    return Rows(server_url, *USERS)


@pytest.fixture
def family(server_url: str) -> Rows:
    return Rows(server_url, *FAMILY)


# ---- NOT NULL


def test_nulls_under_a_new_not_null_are_refused_with_their_number_and_keys(users: Rows) -> None:
    error = users.refuses(lambda op: op.alter_column("users", "email", existing_type=sa.String(50), nullable=False))
    assert error.what == "revision r1 makes `users.email` NOT NULL, and 2 of 4 rows hold no value there"
    assert error.why == "they are id=3; id=4"
    assert "UPDATE users SET email = … WHERE email IS NULL" in (error.do or "")
    assert error.facts["count"] == 2
    assert error.facts["sample"] == [{"id": 3}, {"id": 4}]
    assert (error.facts["table"], error.facts["column"]) == ("users", "email")


def test_sample_holds_five_rows_of_many(users: Rows) -> None:
    users.do(
        "INSERT INTO users SELECT id + 10, NULL, NULL, 1 FROM users",
        "INSERT INTO users SELECT id + 100, NULL, NULL, 1 FROM users",
    )
    error = users.refuses(lambda op: op.alter_column("users", "email", existing_type=sa.String(50), nullable=False))
    assert error.facts["count"] == 14
    assert [row["id"] for row in error.facts["sample"]] == [3, 4, 11, 12, 13]
    assert (error.why or "").startswith("among them id=3")


def test_not_null_passes_without_nulls(users: Rows) -> None:
    users.do("UPDATE users SET email = 'c@x' WHERE email IS NULL")
    users.takes(lambda op: op.alter_column("users", "email", existing_type=sa.String(50), nullable=False))
    assert not users.state()["users"]["columns"][1][2]


def test_restated_not_null_is_looked_at_where_the_server_is_told_it_again(mysql_url: str) -> None:
    users = Rows(mysql_url, *USERS)
    users.refuses(
        lambda op: op.alter_column(
            "users", "email", existing_type=sa.String(50), existing_nullable=False, comment="mail"
        )
    )


# ---- UNIQUE


def test_duplicates_under_a_new_unique_constraint_are_refused(users: Rows) -> None:
    error = users.refuses(lambda op: op.create_unique_constraint("uq", "users", ["age"]))
    assert error.what == "revision r1 makes `users.age` unique, and 2 of 4 rows share it with another"
    assert [row["id"] for row in error.facts["sample"]] == [2, 4]
    assert "GROUP BY age HAVING count(*) > 1" in (error.do or "")


def test_unique_constraint_passes_with_nulls(users: Rows) -> None:
    users.takes(lambda op: op.create_unique_constraint("uq", "users", ["email"]))
    users.takes(lambda op: op.create_unique_constraint("uq2", "users", ["age", "name"]))


def test_duplicates_of_several_columns_are_refused(users: Rows) -> None:
    users.do("INSERT INTO users VALUES (5, 'z', 'Bob', 7)")
    error = users.refuses(lambda op: op.create_unique_constraint("uq", "users", ["name", "age"]))
    assert "`users (name, age)` unique, and 2 of 5 rows share them with another" in error.what
    assert [row["id"] for row in error.facts["sample"]] == [2, 5]


def test_nulls_that_are_not_distinct_are_duplicates(postgresql_url: str) -> None:
    users = Rows(postgresql_url, *USERS)
    if users.rows("SHOW server_version_num")[0][0] < "150000":
        pytest.skip("NULLS NOT DISTINCT is PostgreSQL 15's")
    error = users.refuses(
        lambda op: op.create_unique_constraint("uq", "users", ["email"], postgresql_nulls_not_distinct=True)
    )
    assert error.facts["count"] == 2
    users.refuses(lambda op: op.create_index("ix", "users", ["email"], unique=True, postgresql_nulls_not_distinct=True))


def test_duplicates_are_those_of_the_server_s_collation(mysql_url: str, postgresql_url: str) -> None:
    rows = "INSERT INTO users VALUES (7, 'A@X', 'n', 1), (8, 'q ', 'n', 1), (9, 'q', 'n', 1)"
    there, here = Rows(mysql_url, *USERS, rows), Rows(postgresql_url, *USERS, rows)
    error = there.refuses(lambda op: op.create_unique_constraint("uq", "users", ["email"]))
    assert sorted(row["id"] for row in error.facts["sample"]) == [1, 7, 8, 9]
    here.takes(lambda op: op.create_unique_constraint("uq", "users", ["email"]))


# ---- unique indexes


def test_duplicates_under_a_new_unique_index_are_refused(database_url: str) -> None:
    users = Rows(database_url, *USERS)
    error = users.refuses(lambda op: op.create_index("ix", "users", ["age"], unique=True))
    assert error.facts["count"] == 2
    users.takes(lambda op: op.create_index("ix", "users", ["email"], unique=True))
    users.takes(lambda op: op.create_index("ix2", "users", ["age"]))


def test_partial_unique_index_is_judged_by_its_own_rows(database_url: str) -> None:
    if "mysql" in database_url:
        pytest.skip("MariaDB has no partial index")
    users = Rows(database_url, *USERS)

    def change(where: str) -> Change:
        condition = sa.text(where)
        return lambda op: op.create_index(
            "ix", "users", ["age"], unique=True, postgresql_where=condition, sqlite_where=condition
        )

    assert users.refuses(change("age < 10")).facts["count"] == 2
    users.takes(change("age > 10 AND name LIKE '%a%'"))


def test_unique_index_on_an_expression(database_url: str) -> None:
    if "mysql" in database_url:
        pytest.skip("MariaDB has no index on an expression")
    users = Rows(database_url, *USERS, "INSERT INTO users VALUES (5, 'A@X', 'n', 1)")
    error = users.refuses(lambda op: op.create_index("ix", "users", [sa.text("lower(email) DESC")], unique=True))
    assert sorted(row["id"] for row in error.facts["sample"]) == [1, 5]
    users.refuses(lambda op: op.create_index("ix", "users", [sa.func.lower(sa.column("email")).desc()], unique=True))
    users.takes(lambda op: op.create_index("ix", "users", [sa.text("email DESC")], unique=True))


def test_unique_index_with_a_collation_of_its_own_on_sqlite(sqlite_url: str) -> None:
    users = Rows(sqlite_url, *USERS, "INSERT INTO users VALUES (5, 'A@X', 'n', 1)")
    users.refuses(lambda op: op.create_index("ix", "users", [sa.text("email COLLATE NOCASE")], unique=True))
    users.takes(lambda op: op.create_index("ix", "users", ["email"], unique=True))


def test_unique_index_on_a_part_of_a_text(mysql_url: str) -> None:
    users = Rows(mysql_url, *USERS, "INSERT INTO users VALUES (5, 'a@y', 'n', 1)")
    users.refuses(lambda op: op.create_index("ix", "users", ["email"], unique=True, mysql_length=2))
    users.refuses(lambda op: op.create_index("ix", "users", ["email"], unique=True, mysql_length={"email": 2}))
    users.takes(lambda op: op.create_index("ix", "users", ["email"], unique=True, mysql_length=3))


def test_unique_index_that_is_there_already_is_not_looked_at(database_url: str) -> None:
    users = Rows(database_url, *USERS)
    users.takes(lambda op: op.create_index("ix", "users", ["age"]))
    if "mysql" not in database_url:  # MariaDB's SQLAlchemy dialect takes no IF NOT EXISTS there
        users.takes(lambda op: op.create_index("ix", "users", ["age"], unique=True, if_not_exists=True))


def test_index_in_words_that_only_an_index_takes_is_left_to_the_server(postgresql_url: str) -> None:
    users = Rows(postgresql_url, *USERS)
    users.takes(lambda op: op.create_index("ix", "users", [sa.text("email text_pattern_ops")], unique=True))


def test_unique_index_concurrently_is_looked_at_as_well(postgresql_url: str) -> None:
    users = Rows(postgresql_url, *USERS)

    def change(op: Operations) -> None:
        with op.get_context().autocommit_block():
            op.create_index("ix", "users", ["age"], unique=True, postgresql_concurrently=True)

    users.refuses(change)


# ---- primary keys


def test_primary_key_over_nulls_or_duplicates_is_refused(server_url: str) -> None:
    rows = Rows(server_url, "CREATE TABLE t (a INTEGER, b INTEGER)", "INSERT INTO t VALUES (1, 1), (1, 2), (NULL, 3)")
    error = rows.refuses(lambda op: op.create_primary_key("pk", "t", ["a", "b"]))
    assert "makes `t (a, b)` the primary key, and 1 of 3 rows holds no value there" in error.what
    rows.do("DELETE FROM t WHERE a IS NULL")
    error = rows.refuses(lambda op: op.create_primary_key("pk", "t", ["a"]))
    assert error.facts["sample"] == [{"a": "1"}, {"a": "1"}]
    rows.takes(lambda op: op.create_primary_key("pk", "t", ["a", "b"]))


# ---- CHECK


def test_rows_that_break_a_new_check_are_refused(users: Rows) -> None:
    error = users.refuses(lambda op: op.create_check_constraint("ck", "users", "age > 10 AND name NOT LIKE '%zz%'"))
    assert error.what.startswith(
        "revision r1 adds the CHECK `age > 10 AND name NOT LIKE '%zz%'` to `users`, and 2 of 4"
    )
    assert [row["id"] for row in error.facts["sample"]] == [2, 4]
    users.refuses(lambda op: op.create_check_constraint("ck", "users", sa.column("age") > 10))
    users.refuses(lambda op: op.create_check_constraint("ck", "users", sa.column("name").in_(["Ada", "Cy"])))


def test_check_passes_where_it_is_unknown(users: Rows) -> None:
    users.takes(lambda op: op.create_check_constraint("ck", "users", "age > 5"))


def test_check_that_is_not_validated_is_not_looked_at(postgresql_url: str) -> None:
    users = Rows(postgresql_url, *USERS)
    users.takes(lambda op: op.create_check_constraint("ck", "users", "age > 10", postgresql_not_valid=True))


# ---- foreign keys


def test_rows_without_a_parent_are_refused(family: Rows) -> None:
    family.do("INSERT INTO children VALUES (5, 2, 2, NULL)")
    error = family.refuses(lambda op: op.create_foreign_key("fk", "children", "parents", ["a", "b"], ["a", "b"]))
    assert (
        "makes `children (a, b)` refer to `parents (a, b)`, and 1 of 5 rows refers to a row that is not" in error.what
    )
    assert error.facts["sample"] == [{"id": 5, "a": "2", "b": "2"}]


def test_foreign_key_passes_with_nulls_in_part_of_it(family: Rows) -> None:
    family.takes(lambda op: op.create_foreign_key("fk", "children", "parents", ["a", "b"], ["a", "b"]))


def test_foreign_key_that_matches_in_full_takes_no_null_in_a_part(postgresql_url: str) -> None:
    family = Rows(postgresql_url, *FAMILY)
    error = family.refuses(
        lambda op: op.create_foreign_key("fk", "children", "parents", ["a", "b"], ["a", "b"], match="FULL")
    )
    assert [row["id"] for row in error.facts["sample"]] == [3, 4]


def test_foreign_key_to_the_own_table(family: Rows) -> None:
    family.takes(lambda op: op.create_foreign_key("fk", "children", "children", ["boss"], ["id"]))
    family.do("INSERT INTO parents VALUES (7, 7)")
    error = family.refuses(lambda op: op.create_foreign_key("fk2", "parents", "children", ["a"], ["id"]))
    assert error.facts["sample"] == [{"a": 7, "b": 7}]


def test_foreign_key_across_schemas(postgresql_url: str) -> None:
    family = Rows(
        postgresql_url,
        *FAMILY,
        "CREATE SCHEMA other",
        "CREATE TABLE other.children (id INTEGER PRIMARY KEY, boss INTEGER)",
        "INSERT INTO other.children VALUES (1, 4), (2, 5)",
    )

    def change(op: Operations) -> None:
        op.create_foreign_key(
            "fk", "children", "children", ["boss"], ["id"], source_schema="other", referent_schema="public"
        )

    error = family.refuses(change)
    assert error.facts["table"] == "other.children"
    assert error.facts["sample"] == [{"id": 2, "boss": "5"}]


def test_foreign_key_that_is_not_validated_is_not_looked_at(postgresql_url: str) -> None:
    family = Rows(postgresql_url, *FAMILY, "INSERT INTO children VALUES (5, 2, 2, NULL)")
    family.takes(
        lambda op: op.create_foreign_key("fk", "children", "parents", ["a", "b"], ["a", "b"], postgresql_not_valid=True)
    )


# ---- names


def test_names_with_strange_characters(database_url: str) -> None:
    quote = "`" if "mysql" in database_url else '"'
    table, column = f"{quote}Odd %s:name{quote}", f"{quote}a %(b)s:c{quote}"
    rows = Rows(database_url)
    double = rows.database.engine.dialect.identifier_preparer._double_percents
    rows.do(
        *(
            statement.replace("%", "%%") if double else statement
            for statement in (
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} INTEGER)",
                f"INSERT INTO {table} VALUES (1, 5), (2, 5)",
            )
        )
    )
    error = rows.refuses(lambda op: op.create_index("ix", "Odd %s:name", ["a %(b)s:c"], unique=True))
    assert error.facts["sample"] == [{"id": 1, "a %(b)s:c": "5"}, {"id": 2, "a %(b)s:c": "5"}]
    assert f"GROUP BY {column}" in (error.do or "")
