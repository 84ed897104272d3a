"""No project, none that is set up, or one whose models cannot be imported."""

import pytest

from bad_projects import COMMANDS, MODELS, Shop, only_error, told
from projects import Project


@pytest.mark.parametrize("command", COMMANDS)
def test_not_initialised(project: Project, command: str) -> None:
    project.write("models.py", MODELS)
    done = project.run(*command.split(), "--json")
    error = only_error(done)
    assert (done.returncode, error["kind"], error["do"]) == (1, "not-initialised", "python oppman.py migrate init")
    assert not list(project.path.glob("*.db"))


def test_setup_of_a_project_that_is_not_initialised(project: Project) -> None:
    project.write("models.py", MODELS)
    done = project.run("migrate", "setup", "--json")
    assert done.returncode == 1
    assert only_error(done)["do"] == "python oppman.py migrate init"


@pytest.mark.parametrize(
    "command", ["migrate current", "migrate upgrade", "migrate create x", "backup", "delete --yes"]
)
def test_outside_of_a_project(project: Project, command: str) -> None:
    done = project.run(*command.split(), "--json")
    error = only_error(done)
    assert (done.returncode, error["kind"]) == (1, "no-project")
    assert "--project DIR" in error["do"] and "migrate init" in error["do"]
    assert not list(project.path.iterdir())


def test_init_where_there_are_no_models(project: Project) -> None:
    done = project.run("migrate", "init", "--json")
    error = only_error(done)
    assert (done.returncode, error["kind"]) == (1, "models-not-found")
    assert "models.py" in error["why"] and "--models" in error["do"]
    assert not list(project.path.iterdir())


def test_project_folder_that_is_not_there(project: Project) -> None:
    done = project.run("--project", "nowhere", "migrate", "current", "--json")
    assert (done.returncode, only_error(done)["kind"]) == (2, "wrong-usage")


# ---- models

BROKEN_MODELS = {
    "syntax error": ("import sqlmodel\nclass User(\n", "models.py:2: class User("),
    "raises": (
        "def check():\n    raise RuntimeError('no good')\ncheck()\n",
        "models.py:2: raise RuntimeError('no good')",
    ),
    "exits": ("import sys\nsys.exit(3)\n", "models.py:2: sys.exit(3)"),
    "missing package": ("import no_such_package\n", "No module named 'no_such_package'"),
}


@pytest.mark.parametrize("command", ["migrate check", "migrate create x"])
@pytest.mark.parametrize(("source", "says"), BROKEN_MODELS.values(), ids=BROKEN_MODELS)
def test_models_that_cannot_be_imported(small_shop: Shop, command: str, source: str, says: str) -> None:
    small_shop.upgraded().write("models.py", source)
    error = small_shop.refuse(command, "models-broken", says)
    assert "pip install sqlite" not in told(error)  # a missing package of theirs is no missing driver
    assert small_shop.ok("migrate", "current")  # looking needs no models


@pytest.mark.parametrize(("source", "says"), BROKEN_MODELS.values(), ids=BROKEN_MODELS)
def test_init_with_models_that_cannot_be_imported(project: Project, source: str, says: str) -> None:
    project.write("models.py", source)
    done = project.run("migrate", "init", "--json")
    error = only_error(done)
    assert (done.returncode, error["kind"]) == (1, "models-broken")
    assert says in told(error)
    assert [path.name for path in project.path.iterdir() if path.name != "__pycache__"] == ["models.py"]


def test_missing_package_is_to_be_installed_for_this_python(small_shop: Shop) -> None:
    small_shop.upgraded().write("models.py", "import no_such_package\n")
    small_shop.refuse("migrate check", "models-broken", "models.py:1", "install the package", "python")


def test_models_module_that_is_gone(small_shop: Shop) -> None:
    small_shop.upgraded()
    (small_shop.path / "models.py").unlink()
    small_shop.refuse("migrate create x", "environment-failed", "No module named 'models'", "alembic/env.py")


def test_models_without_a_table(project: Project) -> None:
    project.write("models.py", "from sqlmodel import SQLModel\n\nclass User(SQLModel):\n    name: str\n")
    done = project.run("migrate", "init", "--json")
    error = only_error(done)
    assert (done.returncode, error["kind"]) == (1, "models-empty")
    assert "models.User has no `table=True`" in error["why"]


def test_models_that_have_lost_their_tables_drop_nothing_unasked(small_shop: Shop) -> None:
    small_shop.upgraded().write("models.py", "from sqlmodel import SQLModel\n")
    small_shop.refuse("migrate create x", "refused", "--drop users")


def test_password_in_an_exception_of_the_models(small_shop: Shop) -> None:
    small_shop.upgraded().write("models.py", 'raise RuntimeError("postgresql://ann:s3cr3t@db/app")\n')
    for command in ("migrate check", "migrate check --verbose"):
        small_shop.refuse(command, "models-broken", "postgresql://ann:***@db/app")
