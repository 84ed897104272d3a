"""What a plan is said to do before anything of it is run."""

from pathlib import Path

import pytest
from alembic.operations import ops

from oppmigrate import load_settings
from oppmigrate.databases import open_database
from oppmigrate.environment.session import Environment
from oppmigrate.planner import Assessment, assess, plan_upgrade, read_graph, recorded_operations
from oppmigrate.planner.state import State
from projects import Project
from shop_chain import write_revision

ENV = """
from alembic import context
import oppmigrate.environment.running as running

running.run_migrations(context, target_metadata=None)
"""
URLS = {
    "sqlite": "sqlite:///none.db",
    "postgresql": "postgresql+psycopg://nobody@127.0.0.1:9/none",
    "mysql": "mysql+pymysql://nobody@127.0.0.1:9/none",
}


@pytest.fixture
def surveyed(project: Project) -> "Surveyed":
    return Surveyed(project)


class Surveyed:
    """A project of one revision, whose database is nowhere: whoever asked it would fail."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
        project.write("alembic/env.py", ENV)
        project.write("alembic/versions/.gitkeep", "")

    def environment(self, kind: str) -> Environment:
        return Environment(load_settings(self.project.path, database_url=URLS[kind]))

    def write(self, *upgrade: str) -> Path:
        folder = self.project.path / "alembic" / "versions"
        return write_revision(folder, "a1", None, "First", list(upgrade), ["pass"])

    def assess(self, kind: str, *upgrade: str) -> Assessment:
        self.write(*upgrade)
        environment = self.environment(kind)
        state = State(read_graph(environment), open_database(environment.settings.database_url), True, ())
        return assess(environment, state, plan_upgrade(state, "heads"))


BATCH = "with op.batch_alter_table('t') as batch: batch."
# lines -> (changes rows or drops on a server that rebuilds tables, on one that does not; loses values for good)
REVISIONS = [
    ("op.create_table('t', sa.Column('id', sa.Integer))", False, False, False),
    ("op.add_column('t', sa.Column('x', sa.Integer))", False, False, False),
    ("op.create_index('i', 't', ['x'])", False, False, False),
    ("op.rename_table('t', 'u')", False, False, False),
    (BATCH + "add_column(sa.Column('x', sa.Integer))", False, False, False),
    (BATCH + "alter_column('x', new_column_name='y')", False, False, False),
    (BATCH + "alter_column('x', nullable=False)", True, False, False),
    (BATCH + "alter_column('x', server_default='1')", True, False, False),
    (BATCH + "create_unique_constraint('u', ['x'])", True, False, False),
    (BATCH + "alter_column('x', existing_type=sa.String(5), type_=sa.String(9))", True, False, False),
    (BATCH + "alter_column('x', existing_type=sa.String(9), type_=sa.String(5))", True, True, True),
    (BATCH + "alter_column('x', type_=sa.Integer)", True, True, True),
    (BATCH + "drop_constraint('u', type_='unique')", True, True, False),
    (BATCH + "drop_column('x')", True, True, True),
    ("op.drop_index('i', table_name='t')", True, True, False),
    ("op.drop_table('t')", True, True, True),
    ("op.execute('UPDATE t SET x = 1')", True, True, False),
    ("op.execute(sa.text('DELETE FROM t'))", True, True, True),
    ("op.execute(sa.table('t', sa.column('x')).update().values(x=1))", True, True, False),
    ("op.bulk_insert(sa.table('t', sa.column('x')), [{'x': 1}])", True, True, False),
    ("op.get_bind().execute(sa.text('UPDATE t SET x = 1'))", True, True, False),
    ("op.get_bind().execute(sa.text('SELECT 1')).scalar()", True, True, True),
    ("op.get_context().connection.exec_driver_sql('DROP TABLE t')", True, True, True),
    ("sa.inspect(op.get_bind()).get_table_names()", True, True, True),
    ("raise RuntimeError('no')", True, True, True),
    ("op.get_bind().dialect.name", False, False, False),
    ("sa.Enum('a', name='mood').create(op.get_bind(), checkfirst=True)", False, False, False),
]


@pytest.mark.parametrize(("line", "rebuilding", "altering", "loses"), REVISIONS, ids=[each[0] for each in REVISIONS])
def test_revision_is_assessed(surveyed: Surveyed, line: str, rebuilding: bool, altering: bool, loses: bool) -> None:
    if "Enum" not in line:
        of_sqlite = surveyed.assess("sqlite", line)
        assert (bool(of_sqlite.changes), bool(of_sqlite.losses)) == (rebuilding, loses)
    for kind in ("postgresql", "mysql"):
        assessment = surveyed.assess(kind, line)
        assert (bool(assessment.changes), bool(assessment.losses)) == (altering, loses)


def test_nothing_is_said_while_looking(surveyed: Surveyed, capfd: pytest.CaptureFixture[str]) -> None:
    surveyed.assess("sqlite", "print('it is done')")
    assert "it is done" not in "".join(capfd.readouterr())


def test_question_that_the_file_catches_counts_all_the_same(surveyed: Surveyed) -> None:
    lines = ["try:", "    op.get_bind().execute(sa.text('SELECT 1'))", "except Exception:", "    pass"]
    assert surveyed.assess("sqlite", *lines).losses


def test_env_py_that_cannot_be_run_for_sql_leaves_everything_possible(surveyed: Surveyed) -> None:
    surveyed.write("pass")
    surveyed.project.write("alembic/env.py", ENV + "raise RuntimeError('no')\n")
    assert surveyed.assess("sqlite", "pass").losses


def test_steps_tell_tables_transaction_and_data_steps(surveyed: Surveyed) -> None:
    lines = ["op.add_column('t', sa.Column('x', sa.Integer), schema='s')", "op.execute('UPDATE u SET y = 1')"]
    (step,) = surveyed.assess("postgresql", *lines).plan.steps
    assert (step.tables, step.transactional, step.data_steps) == (("s.t", "u"), True, True)
    assert [change.text for change in step.changes] == ["add column s.t.x (INTEGER)", "run SQL: UPDATE u SET y = 1"]
    assert [surveyed.assess("mysql", line).plan.steps[0].transactional for line in lines] == [False, True]


def test_autocommit_block_is_no_transaction(surveyed: Surveyed) -> None:
    lines = ["with op.get_context().autocommit_block():", "    op.execute('CREATE INDEX CONCURRENTLY i ON t (x)')"]
    (step,) = surveyed.assess("postgresql", *lines).plan.steps
    assert step.transactional is False
    assert step.changes[0].text == "run SQL: CREATE INDEX CONCURRENTLY i ON t (x)"


def test_operations_are_recorded_with_nothing_carried_out(surveyed: Surveyed) -> None:
    surveyed.write(
        "t = op.create_table('t', sa.Column('x', sa.Integer))", "op.bulk_insert(t, [{'x': 1}])", BATCH + "f('x')"
    )
    environment = surveyed.environment("mysql")
    state = State(read_graph(environment), open_database(environment.settings.database_url), True, ())
    (step,) = plan_upgrade(state, "heads").steps
    recorded = recorded_operations(environment, state, step)
    assert recorded is not None
    assert [type(each) for each in recorded] == [ops.CreateTableOp, ops.BulkInsertOp]
    surveyed.write("op.get_bind().scalar(sa.text('SELECT 1'))")
    assert recorded_operations(surveyed.environment("mysql"), state, step) is None


def test_what_reaches_beyond_the_database_is_not_called_to_look(surveyed: Surveyed, tmp_path: Path) -> None:
    """A mail is sent once; and whoever listens to `on_version_apply` hears of what was applied only."""
    touched = tmp_path / "touched"
    for line in (f"open({str(touched)!r}, 'w').close()", f"import os; os.mkdir({str(touched)!r})"):
        assert surveyed.assess("sqlite", line).losses
    heard = f"on_version_apply=lambda **kw: open({str(touched)!r}, 'w').close()"
    surveyed.project.write("alembic/env.py", ENV.replace("target_metadata=None", f"target_metadata=None, {heard}"))
    surveyed.write("pass")
    assert not surveyed.assess("sqlite", "pass").changes
    assert not touched.exists()
