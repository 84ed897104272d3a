import sys

import pytest

from oppmigrate.errors import AlembicShadowed, EnvironmentFailed, NotInitialised
from oppmigrate.scaffold import SetupPlan, plan_init, plan_setup, write_files
from scaffold_projects import BASE, USER, settings_of

ALEMBIC = [sys.executable, "-m", "alembic"]
ONE_DATABASE = ["generic", "async", "pyproject", "pyproject_async"]


def stock_project(project, template="generic"):
    """The project as `alembic init` leaves it."""
    result = project.call([*ALEMBIC, "init", "-t", template, "alembic"])
    assert result.returncode == 0, result.stdout + result.stderr


def edit(project, name, old, new):
    path = project.path / name
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def set_up(project, **options) -> SetupPlan:
    plan = plan_setup(settings_of(project, **options))
    write_files(plan)
    return plan


def planned(plan) -> list[str]:
    return sorted(file.name for file in plan.files)


def text_of(project, name) -> str:
    return (project.path / name).read_bytes().decode()


def assert_settled(project):
    """A second run finds nothing to change."""
    before = sorted(project.path.rglob("*"))
    assert set_up(project).is_empty
    assert sorted(project.path.rglob("*")) == before


def assert_usable(project, **environment):
    """Stock Alembic makes a revision of the models, runs it, and finds nothing more to do."""
    for command in (["revision", "--autogenerate", "-m", "first"], ["upgrade", "head"], ["check"]):
        result = project.call([*ALEMBIC, *command], env=environment)
        assert result.returncode == 0, result.stderr
    (revision,) = (project.path / "alembic" / "versions").glob("*.py")
    text = revision.read_text(encoding="utf-8")
    assert "create_table" in text
    assert "import sqlmodel" in text


# ---- projects as `alembic init` leaves them


@pytest.mark.parametrize("template", ONE_DATABASE)
def test_stock_project_becomes_usable(project, template):
    stock_project(project, template)
    project.write("models.py", USER)
    plan = set_up(project)
    assert planned(plan) == ["alembic.ini", "alembic/env.py", "alembic/script.py.mako"]
    assert_settled(project)
    assert_usable(project)
    assert (project.path / "test.db").is_file()


def test_stock_project_of_several_databases_becomes_usable_once_its_user_says_which_is_where(project):
    stock_project(project, "multidb")
    project.write("models.py", USER + "\n\n    elsewhere = MetaData()\n".replace("MetaData", "type(SQLModel.metadata)"))
    plan = set_up(project)
    assert planned(plan) == ["alembic.ini", "alembic/script.py.mako"]
    assert 'give each database its own, target_metadata = {"engine1": Base.metadata}' in plan.notes[1]
    assert plan.notes[2:] == tuple(
        f"alembic.ini: sqlalchemy.url in [{name}] is still Alembic's example" for name in ("engine1", "engine2")
    )
    assert_settled(project)
    edit(project, "alembic.ini", "driver://user:pass@localhost/dbname2", "sqlite:///two.db")
    edit(project, "alembic.ini", "driver://user:pass@localhost/dbname", "sqlite:///one.db")
    edit(
        project,
        "alembic/env.py",
        "target_metadata = {}",
        "import models\n\ntarget_metadata = {'engine1': models.SQLModel.metadata, 'engine2': models.elsewhere}",
    )
    assert_usable(project)


@pytest.mark.parametrize("template", ["async", "pyproject_async"])
def test_stock_async_project_keeps_its_async_address(project, template):
    stock_project(project, template)
    project.write("models.py", USER)
    edit(project, "alembic.ini", "driver://user:pass@localhost/dbname", "sqlite+aiosqlite:///./mine.db")
    set_up(project)
    assert_usable(project)
    assert (project.path / "mine.db").is_file()


def test_stock_project_works_from_any_folder_afterwards(project, tmp_path):
    stock_project(project)
    project.write("models.py", USER)
    set_up(project)
    result = project.call([*ALEMBIC, "-c", str(project.path / "alembic.ini"), "upgrade", "head"], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (project.path / "test.db").is_file()


def test_models_in_src_are_put_on_the_path(project):
    stock_project(project)
    project.write("src/shop/models.py", BASE)
    set_up(project)
    assert "prepend_sys_path =\n    %(here)s\n    %(here)s/src\n" in text_of(project, "alembic.ini")
    assert_settled(project)
    assert_usable(project)


def test_env_of_a_stock_project_becomes_what_init_writes(project):
    stock_project(project)
    project.write("models.py", USER)
    set_up(project)
    written = text_of(project, "alembic/env.py")
    (project.path / "alembic" / "env.py").unlink()
    (again,) = (file for file in plan_init(settings_of(project)).files if file.name == "alembic/env.py")
    assert again.new == written


def test_every_changed_file_leaves_a_copy(project):
    stock_project(project)
    project.write("models.py", USER)
    before = {name: text_of(project, name) for name in ("alembic.ini", "alembic/env.py", "alembic/script.py.mako")}
    set_up(project)
    assert {name: text_of(project, f"{name}.bak") for name in before} == before


def test_plan_shows_the_change_and_changes_nothing(project):
    stock_project(project)
    project.write("models.py", USER)
    before = text_of(project, "alembic.ini")
    plan = plan_setup(settings_of(project))
    (ini,) = (file for file in plan.files if file.name == "alembic.ini")
    changes = [line for line in ini.diff.splitlines() if line.startswith(("-", "+"))]
    assert changes == [
        "--- alembic.ini",
        "+++ alembic.ini",
        "-prepend_sys_path = .",
        "+prepend_sys_path = %(here)s",
        "-sqlalchemy.url = driver://user:pass@localhost/dbname",
        "+sqlalchemy.url = sqlite:///./test.db",
    ]
    assert text_of(project, "alembic.ini") == before


def test_given_address_replaces_the_example_one(project):
    stock_project(project)
    project.write("models.py", USER)
    plan = set_up(project, database_url="postgresql://me:hunter2@host/a%20b")
    assert "sqlalchemy.url = postgresql://me@host/a%%20b\n" in text_of(project, "alembic.ini")
    assert plan.notes == ("the password is not written to alembic.ini: set DATABASE_URL to the whole URL",)


# ---- projects that somebody has worked on


def test_project_of_init_needs_nothing(project):
    project.write("models.py", USER)
    write_files(plan_init(settings_of(project)))
    plan = set_up(project)
    assert plan.is_empty
    assert not plan.notes
    assert [path.name for path in plan.unchanged] == ["env.py", "alembic.ini", "script.py.mako"]


def test_models_that_env_does_not_import_are_pointed_out(project):
    project.write("models.py", USER)
    write_files(plan_init(settings_of(project)))
    project.write("app/models.py", BASE)
    assert set_up(project).notes == ("alembic/env.py does not import app.models, which looks like models",)


def test_stock_env_with_models_of_its_own_keeps_them(project):
    stock_project(project)
    project.write("app/db.py", USER)
    edit(
        project,
        "alembic/env.py",
        "from alembic import context\n",
        "from alembic import context\nfrom app.db import SQLModel  # all\n",
    )
    edit(project, "alembic/env.py", "target_metadata = None", "# ask Ann\ntarget_metadata = SQLModel.metadata")
    set_up(project)
    text = text_of(project, "alembic/env.py")
    assert "from app.db import SQLModel  # all\n" in text
    assert "# ask Ann\ntarget_metadata = SQLModel.metadata\n" in text
    assert "run_migrations(context, target_metadata)" in text
    assert_settled(project)
    assert_usable(project)


def test_hand_written_env_without_models_is_wired_in_place(project):
    stock_project(project)
    project.write("models/user.py", USER)
    edit(project, "alembic/env.py", "poolclass=pool.NullPool,", "poolclass=pool.NullPool, echo=False,")
    before = text_of(project, "alembic/env.py")
    plan = set_up(project)
    removed = [line for line in _env_diff(plan) if line.startswith("-")]
    assert removed == ["--- alembic/env.py", "-target_metadata = None"]
    assert "+target_metadata = sqlmodel.SQLModel.metadata" in _env_diff(plan)
    assert "alembic/env.py is written by hand" in plan.notes[0]
    assert text_of(project, "alembic/env.py.bak") == before
    assert_settled(project)
    assert_usable(project)


def test_hand_written_env_with_models_stays_as_it_is(project):
    stock_project(project)
    edit(
        project,
        "alembic/env.py",
        "target_metadata = None",
        "import models\n\nX = 1\ntarget_metadata = models.SQLModel.metadata",
    )
    project.write("models.py", USER)
    plan = set_up(project)
    assert planned(plan) == ["alembic.ini", "alembic/script.py.mako"]
    assert plan.notes[0].startswith("alembic/env.py is written by hand and works as it is")
    assert_usable(project)


def test_hand_written_env_that_finds_its_address_by_itself_gets_none_in_the_ini(project):
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    project.write("alembic/env.py", "target_metadata = []\nurl = 'sqlite://'\n")
    project.write("alembic/script.py.mako", "import sqlmodel\n")
    set_up(project)
    assert "sqlalchemy.url" not in text_of(project, "alembic.ini")


def test_line_ends_and_missing_final_newline_are_kept(project):
    stock_project(project)
    project.write("models.py", USER)
    names = ("alembic.ini", "alembic/env.py", "alembic/script.py.mako")
    for name in names:
        (project.path / name).write_bytes(text_of(project, name).rstrip("\n").replace("\n", "\r\n").encode())
    set_up(project)
    for name in names:
        text = text_of(project, name)
        assert text.count("\n") == text.count("\r\n") > 10
        assert not text.endswith("\n")
    assert_settled(project)
    assert_usable(project)


def test_revision_template_that_is_missing_is_written(project):
    stock_project(project)
    project.write("models.py", USER)
    (project.path / "alembic/script.py.mako").unlink()
    set_up(project)
    assert "import sqlmodel" in text_of(project, "alembic/script.py.mako")


def test_revision_template_of_the_users_own_gets_one_line(project):
    stock_project(project)
    project.write("models.py", USER)
    edit(project, "alembic/script.py.mako", "# revision identifiers", "# OUR identifiers")
    before = text_of(project, "alembic/script.py.mako")
    set_up(project)
    added = text_of(project, "alembic/script.py.mako").replace("import sqlmodel  # noqa: F401\n", "")
    assert added == before


def test_flask_project_is_left_alone(project):
    project.write("migrations/alembic.ini", "[alembic]\n")
    project.write("migrations/env.py", "from flask import current_app\n")
    plan = set_up(project)
    assert plan.is_empty
    assert "Flask" in plan.notes[0]


# ---- alembic.ini


def ini_after_setup(project, body: str) -> str:
    """[alembic] of an ini file, for a project that needs nothing else."""
    project.write("models.py", USER)
    write_files(plan_init(settings_of(project)))
    (project.path / "alembic.ini").write_text(f"[alembic]\n{body}", encoding="utf-8")
    set_up(project)
    assert_settled(project)
    return text_of(project, "alembic.ini").removeprefix("[alembic]\n")


def test_ini_of_an_earlier_alembic_gets_what_it_lacks(project):
    body = "# where\nscript_location = alembic\n\n# url\nsqlalchemy.url = driver://user:pass@localhost/dbname\n"
    assert ini_after_setup(project, body) == (
        "# where\nscript_location = alembic\nprepend_sys_path = %(here)s\npath_separator = os\n\n"
        "# url\nsqlalchemy.url = sqlite:///./test.db\n"
    )


def test_empty_ini_gets_every_key(project):
    assert ini_after_setup(project, "") == (
        "script_location = %(here)s/alembic\nprepend_sys_path = %(here)s\npath_separator = os\n"
        "sqlalchemy.url = sqlite:///./test.db\n"
    )


def test_path_of_the_users_own_is_kept(project):
    body = "script_location = alembic\nprepend_sys_path = backend\nsqlalchemy.url = sqlite:///mine.db\n"
    assert ini_after_setup(project, body) == body.replace("backend\n", "backend\npath_separator = os\n")


@pytest.mark.parametrize("paths", ["prepend_sys_path = . lib", "version_locations = a, b"])
def test_separator_is_not_added_where_it_would_part_the_paths_elsewhere(project, paths):
    body = f"script_location = alembic\n{paths}\nsqlalchemy.url = sqlite:///mine.db\n"
    assert ini_after_setup(project, body) == body


def test_separator_of_several_version_folders_is_kept_when_src_is_added(project):
    body = (
        "script_location = alembic\npath_separator = :\nversion_locations = a:b\nsqlalchemy.url = sqlite:///mine.db\n"
    )
    project.write("src/shop/models.py", BASE)
    assert "prepend_sys_path = %(here)s:%(here)s/src\n" in ini_after_setup(project, body)


# ---- what goes wrong


def test_project_without_env_is_sent_to_init(project):
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    with pytest.raises(NotInitialised, match="there is no alembic/env.py to set up"):
        set_up(project)


def test_env_that_is_not_python_is_named(project):
    stock_project(project)
    project.write("alembic/env.py", "x = = 1\n")
    with pytest.raises(EnvironmentFailed, match="alembic/env.py cannot be read as Python"):
        set_up(project)


def test_shadowed_alembic_is_refused(project):
    stock_project(project)
    project.write("alembic/__init__.py", "")
    with pytest.raises(AlembicShadowed):
        set_up(project)


def _env_diff(plan: SetupPlan) -> list[str]:
    (env,) = (file for file in plan.files if file.name == "alembic/env.py")
    return env.diff.splitlines()
