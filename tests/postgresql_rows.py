"""A PostgreSQL database with rows and objects of many kinds, and what it holds, for comparing."""

from contextlib import closing
from typing import Any

import psycopg
import pytest

from oppmigrate.databases import Database
from servers import with_driver

DRIVERS = ("postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg_async")


PASSWORD = "Sesam:open@/100%"


SCHEMA = """
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN age AS integer CHECK (VALUE >= 0);
CREATE SEQUENCE counter START 40;
CREATE TABLE parents (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'high',
    age age, born timestamptz DEFAULT now(), "odd:name %s" text);
CREATE TABLE children (id serial PRIMARY KEY, parent integer REFERENCES parents ON DELETE CASCADE);
CREATE VIEW named AS SELECT name FROM parents;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM parents;
CREATE FUNCTION breed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO children (parent) VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER bred AFTER INSERT ON parents FOR EACH ROW EXECUTE FUNCTION breed();
CREATE SCHEMA audit;
CREATE TABLE audit.log (id bigserial PRIMARY KEY, parent integer REFERENCES public.parents, line text);
INSERT INTO parents (name, age) VALUES ('Ada', 36), ('Grace', 85);
INSERT INTO audit.log (parent, line) SELECT id, name FROM parents;
SELECT nextval('counter');
REFRESH MATERIALIZED VIEW counted;
"""


CONTENTS = """
SELECT 'parents', array_agg(p::text ORDER BY id)::text FROM parents p
UNION ALL SELECT 'children', array_agg(c::text ORDER BY id)::text FROM children c
UNION ALL SELECT 'log', array_agg(l::text ORDER BY id)::text FROM audit.log l
UNION ALL SELECT 'named', array_agg(name ORDER BY name)::text FROM named
UNION ALL SELECT 'counted', n::text FROM counted
UNION ALL SELECT 'counter', last_value::text FROM counter
UNION ALL SELECT 'identity', last_value::text FROM parents_id_seq
"""


DEFINITIONS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace::regnamespace::text IN ('public', 'audit')
UNION SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod) || attidentity::text
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace::regnamespace::text IN ('public', 'audit') AND attnum > 0
UNION SELECT 'enum', enumlabel, enumsortorder::text FROM pg_enum
ORDER BY 1, 2, 3
"""


def connect(database: Database) -> psycopg.Connection[Any]:
    url = database.url.set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def query(database: Database, statement: str) -> list[Any]:
    with closing(connect(database)) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return list(cursor.fetchall()) if cursor.description else []


def state(database: Database) -> list[Any]:
    return [*query(database, CONTENTS), *query(database, DEFINITIONS)]


def role(database: Database, name: str, *statements: str) -> str:
    """Give the role its rights; returns the URL that uses it."""
    for statement in statements:
        query(database, statement)
    return with_driver(str(database.url.set(password=None)), "postgresql+psycopg", username=name)


def need(database: Database, *extensions: str) -> None:
    """Skip where the server was installed without its usual extensions."""
    there = {name for (name,) in query(database, "SELECT name FROM pg_available_extensions")}
    if missing := set(extensions) - there:
        pytest.skip(f"the server has no extension {', '.join(sorted(missing))}")
