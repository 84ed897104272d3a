"""Views, functions and triggers declared by alembic-utils: found, told, tried, and never dropped in silence."""

from pathlib import Path

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
        active: bool = True
"""
ENTITIES = """
from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_trigger import PGTrigger
from alembic_utils.pg_view import PGView
from alembic_utils.replaceable_entity import register_entities

ACTIVE = PGView("public", "active_accounts", "SELECT {columns} FROM account WHERE active")
SHOUT = PGFunction(
    "public", "shout()", "RETURNS trigger AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$ LANGUAGE plpgsql"
)
SHOUTED = PGTrigger(
    "public", "shouted", "BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION public.shout()", on_entity="account"
)
register_entities([{registered}])
"""
ALL = "ACTIVE, SHOUT, SHOUTED"


class Entities(MigratedProject):
    """A project with two accounts, whose `env.py` registers what `declare` writes."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        env = project.path / "alembic" / "env.py"
        env.write_text(env.read_text().replace("import models\n", "import entities\nimport models\n"))
        self.declare("")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO account (name, active) VALUES ('Ada', true), ('Grace', false)")

    def declare(self, registered: str, columns: str = "id, name") -> None:
        self.project.write("entities.py", ENTITIES.format(registered=registered, columns=columns))

    def accounts(self) -> list[tuple[object, ...]]:
        return self.rows("SELECT name FROM account ORDER BY id")


@pytest.fixture
def entities(project: Project, postgresql_url: str) -> Entities:
    return Entities(project, postgresql_url)


def test_entities_come_change_and_go(entities: Entities) -> None:
    entities.declare(ALL)
    made = entities.run("migrate", "create", "Entities")
    assert "+ create view public.active_accounts" in made.stdout
    assert "+ create trigger public.shouted" in made.stdout
    assert "tried     up, down and up again" in made.stderr
    entities.ok("migrate", "upgrade")
    entities.ok("migrate", "check")
    entities.execute("INSERT INTO account (name, active) VALUES ('Alan', true)")
    assert entities.rows("SELECT name FROM active_accounts ORDER BY id") == [("Ada",), ("ALAN",)]
    entities.declare(ALL, columns="id, name, active")
    assert "replace view public.active_accounts" in entities.ok("migrate", "create", "Wider")
    entities.ok("migrate", "upgrade")
    assert entities.rows("SELECT active FROM active_accounts LIMIT 1") == [(True,)]
    entities.ok("migrate", "downgrade", "base+1")
    assert entities.accounts() == [("Ada",), ("Grace",), ("ALAN",)]
    assert entities.rows("SELECT count(*) FROM pg_views WHERE schemaname = 'public'") == [(0,)]


def test_entity_is_dropped_only_where_a_person_says_so(entities: Entities) -> None:
    entities.declare(ALL)
    entities.ok("migrate", "create", "Entities")
    entities.ok("migrate", "upgrade")
    entities.declare("ACTIVE, SHOUT")
    before = _files(entities)
    refused = entities.run("migrate", "create", "No trigger", "--no-input")
    assert refused.returncode == 1
    assert "this revision would drop public.shouted" in refused.stderr
    assert "--drop public.shouted" in refused.stderr
    assert _files(entities) == before
    told = entities.ok("migrate", "create", "No trigger", "--no-input", "--drop", "public.shouted")
    assert "drop trigger public.shouted" in told
    entities.ok("migrate", "upgrade")
    entities.execute("INSERT INTO account (name, active) VALUES ('Alan', true)")
    entities.ok("migrate", "downgrade", "-1", "--yes")
    entities.execute("INSERT INTO account (name, active) VALUES ('Edsger', true)")
    assert entities.accounts() == [("Ada",), ("Grace",), ("Alan",), ("EDSGER",)]


def _files(entities: Entities) -> set[Path]:
    return set(entities.versions())
