"""PostgreSQL: scratch databases, and what is left of them."""

from typing import Any

import pytest
from sqlalchemy import Connection

from oppmigrate.databases import Database, open_database
from oppmigrate.errors import (
    AccessDenied,
)
from postgresql_rows import DRIVERS, need, query, role
from servers import with_driver

# ---- scratch


def scratch_names(database: Database) -> list[Any]:
    return query(
        database,
        "SELECT datname FROM pg_database WHERE datname LIKE 'oppman\\_scratch%' "
        "UNION SELECT nspname FROM pg_namespace WHERE nspname LIKE 'oppman\\_scratch%'",
    )


@pytest.mark.parametrize("error", [None, ValueError("mine"), KeyboardInterrupt()])
def test_scratch_is_empty_and_removed_whatever_happens(database: Database, error: BaseException | None) -> None:
    need(database, "citext", "pg_trgm")
    query(
        database,
        "CREATE TABLE real (x integer); CREATE EXTENSION citext; CREATE SCHEMA ext;CREATE EXTENSION pg_trgm SCHEMA ext",
    )
    names: list[str] = []
    try:
        with database.scratch() as scratch:
            names.append(scratch.label)
            scratch.run(lambda connection: connection.exec_driver_sql("SELECT 'a'::citext, ext.similarity('a', 'b')"))
            assert query(scratch, "SELECT to_regclass('real')") == [(None,)]
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        assert caught is error
    assert names[0] not in str(scratch_names(database))


def test_scratch_works_where_the_database_does_not_exist_yet(plain: Database) -> None:
    database = open_database(plain.url.set(database="oppman_none").render_as_string(hide_password=False))
    with database.scratch() as scratch:
        scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x integer)"))


def test_scratch_without_createdb_is_a_schema_that_sees_nothing_else(plain: Database, role_name: str) -> None:
    query(plain, "CREATE TABLE real (x integer); CREATE SCHEMA audit; CREATE TABLE audit.log (x integer)")
    url = role(
        plain,
        role_name,
        f"GRANT CREATE ON DATABASE {plain.label} TO {role_name}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public, audit TO {role_name}",
        f"GRANT ALL ON SCHEMA audit TO {role_name}",
    )
    for driver in DRIVERS:
        with open_database(with_driver(url, driver)).scratch() as scratch:

            def work(connection: Connection) -> None:
                connection.exec_driver_sql("CREATE TABLE t (x integer)")
                connection.commit()
                assert connection.dialect.default_schema_name.startswith("oppman_scratch_")  # type: ignore[union-attr]
                assert connection.exec_driver_sql("SELECT to_regclass('real')").scalar() is None
                assert connection.exec_driver_sql("SELECT to_regclass('t')").scalar() is not None

            scratch.run(work)
            for statement in (
                "INSERT INTO public.real VALUES (1)",
                'ALTER TABLE "audit".log ADD COLUMN y integer',
                "CREATE TABLE audit.t (x integer)",
                "CREATE INDEX i ON audit.log (x)",
                "DROP TABLE t, public.real",
                "DELETE FROM only public.real",
                "CREATE SCHEMA more",
                "SET search_path TO public",
            ):
                with pytest.raises(AccessDenied, match="was not run in the scratch schema"):
                    scratch.run(lambda connection, statement=statement: connection.exec_driver_sql(statement))
    assert not [
        name for (name,) in scratch_names(plain) if name in str(query(plain, "SELECT nspname FROM pg_namespace"))
    ]
    assert query(plain, "SELECT count(*) FROM real") == [(0,)]


def test_scratch_without_any_right_names_the_grant(plain: Database, role_name: str) -> None:
    database = open_database(role(plain, role_name))
    with pytest.raises(AccessDenied) as caught, database.scratch():
        pass
    assert f'ALTER ROLE "{role_name}" CREATEDB' in str(caught.value.do)
