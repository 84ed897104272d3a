import sys

import pytest

from oppmigrate.errors import AlembicShadowed, ConfigurationError, ModelsBroken, ModelsNotFound
from oppmigrate.scaffold import plan_init, write_files
from scaffold_projects import BASE, USER, settings_of

PIECES = ["alembic.ini", "alembic/env.py", "alembic/script.py.mako", "alembic/versions/.gitkeep", "oppman.py"]


def init(project, **options):
    plan = plan_init(settings_of(project, **options))
    write_files(plan)
    return plan


def planned(plan) -> list[str]:
    return sorted(file.name for file in plan.files)


def text_of(project, name) -> str:
    return (project.path / name).read_text(encoding="utf-8")


def url_written(project, url) -> str:
    """What `--database-url` puts into alembic.ini."""
    project.write("models.py", USER)
    init(project, database_url=url)
    (line,) = (line for line in text_of(project, "alembic.ini").splitlines() if line.startswith("sqlalchemy.url"))
    return line.removeprefix("sqlalchemy.url = ")


def assert_adopted(project, reason):
    before = sorted(project.path.rglob("*"))
    plan = init(project)
    assert plan.adopted
    assert plan.reason == reason
    assert plan.is_empty
    assert sorted(project.path.rglob("*")) == before


def assert_usable(project):
    """Stock Alembic makes a revision of the models, runs it, and finds nothing more to do; ruff finds it in order."""
    alembic = [sys.executable, "-m", "alembic"]
    for command in (["revision", "--autogenerate", "-m", "first"], ["upgrade", "head"], ["check"]):
        result = project.call([*alembic, *command])
        assert result.returncode == 0, result.stderr
    (revision,) = (project.path / "alembic" / "versions").glob("*.py")
    assert "create_table" in revision.read_text(encoding="utf-8")
    assert (project.path / "test.db").is_file()


def assert_tidy(project):
    for command in (["check", "--isolated", "--select", "E,F,I"], ["format", "--isolated", "--check"]):
        result = project.call([sys.executable, "-m", "ruff", *command, "alembic", "oppman.py"])
        assert result.returncode == 0, result.stdout


def test_project_with_models_gets_every_piece(project):
    project.write("models.py", USER)
    plan = init(project)
    assert planned(plan) == PIECES
    assert plan.modules == ("models",)
    assert [model.reference for model in plan.models] == ["models.SQLModel.metadata"]
    assert plan.database_url == "sqlite:///./test.db"
    assert not plan.notes
    assert_tidy(project)
    assert_usable(project)


def test_package_with_submodules_is_walked_so_that_later_modules_are_seen(project):
    project.write("models/user.py", USER)
    init(project)
    assert_tidy(project)
    project.write("models/author.py", USER.replace("User", "Author").replace("users", "authors"))
    assert_usable(project)
    (revision,) = (project.path / "alembic" / "versions").glob("*.py")
    assert '"authors"' in revision.read_text(encoding="utf-8").replace("'", '"')


def test_several_metadata_and_modules_in_src_are_named_one_by_one(project):
    project.write("models.py", USER)
    project.write("src/blog/models.py", BASE)
    init(project)
    expected = "target_metadata = name_constraints(models.SQLModel.metadata, blog.models.Base.metadata)"
    assert expected in text_of(project, "alembic/env.py")
    assert "prepend_sys_path =\n    %(here)s\n    %(here)s/src\n" in text_of(project, "alembic.ini")
    assert_tidy(project)
    assert_usable(project)


def test_many_metadata_are_laid_out_as_ruff_does(project):
    for name in ("orders", "customers", "warehouses"):
        project.write(f"src/{name}/models.py", BASE)
    plan = init(project)
    assert len(plan.models) == 3
    assert_tidy(project)


def test_models_elsewhere_are_imported_from_src_when_the_named_module_needs_it(project):
    project.write("models.py", "from shared.user import SQLModel, User\n")
    project.write("src/shared/user.py", USER)
    init(project)
    assert "%(here)s/src" in text_of(project, "alembic.ini")


def test_second_run_finds_nothing_to_write_and_imports_no_models(project):
    project.write("models.py", USER)
    init(project)
    project.write("models.py", "1 / 0")
    plan = init(project)
    assert plan.is_empty
    assert not plan.adopted
    assert [path.name for path in plan.kept] == ["env.py", "alembic.ini", "script.py.mako", "versions", "oppman.py"]


def test_versions_with_revisions_needs_no_file_to_be_kept_by_git(project):
    project.write("models.py", USER)
    init(project)
    (project.path / "alembic/versions/.gitkeep").unlink()
    project.write("alembic/versions/first.py", "")
    assert init(project).is_empty


@pytest.mark.parametrize("missing", PIECES)
def test_missing_piece_alone_is_written(project, missing):
    project.write("models.py", USER)
    init(project)
    text = text_of(project, missing)
    (project.path / missing).unlink()
    plan = init(project)
    assert planned(plan) == [missing]
    assert text_of(project, missing) == text


def test_deleted_folder_is_written_again_where_alembic_ini_has_it(project):
    project.write("alembic.ini", "[alembic]\nscript_location = %(here)s/db\n")
    project.write("models.py", USER)
    plan = init(project)
    assert planned(plan) == ["db/env.py", "db/script.py.mako", "db/versions/.gitkeep", "oppman.py"]
    assert [path.name for path in plan.kept] == ["alembic.ini"]


def test_files_of_the_user_are_never_overwritten(project):
    project.write("models.py", USER)
    for name in ("oppman.py", "alembic/script.py.mako", "alembic/versions/mine.py"):
        project.write(name, "mine")
    plan = init(project)
    assert planned(plan) == ["alembic.ini", "alembic/env.py"]
    assert text_of(project, "oppman.py") == "mine"


def test_ini_without_script_location_is_left_to_setup(project):
    project.write("alembic.ini", "[alembic]\n")
    project.write("models.py", USER)
    assert init(project).notes == (
        "alembic.ini has no script_location, which the stock `alembic` needs: run `oppman migrate setup`",
    )


# ---- the address


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("sqlite:///./shop.db", "sqlite:///./shop.db"),
        ("sqlite:///data/shop.db", "sqlite:///./data/shop.db"),
        ("sqlite+aiosqlite:///./shop.db", "sqlite+aiosqlite:///./shop.db"),
        ("sqlite:////var/lib/shop.db", "sqlite:////var/lib/shop.db"),
        ("postgresql://me@host/shop", "postgresql://me@host/shop"),
        ("postgresql://me@host/a%20b", "postgresql://me@host/a%%20b"),
        ("postgresql://me:hunter2@host:5433/shop?sslmode=require", "postgresql://me@host:5433/shop?sslmode=require"),
        ("postgresql://me:a%40b:c@host/a%20b", "postgresql://me@host/a%%20b"),
        ("postgresql://host/shop?user=me&password=hunter2", "postgresql://host/shop?user=me"),
        ("postgresql://host/shop?password=hunter2", "postgresql://host/shop"),
    ],
)
def test_given_address_is_written_without_its_password(project, given, written):
    assert url_written(project, given) == written


def test_password_left_out_is_said(project):
    project.write("models.py", USER)
    plan = init(project, database_url="postgresql://me:hunter2@host/shop")
    assert plan.notes == ("the password is not written to alembic.ini: set DATABASE_URL to the whole URL",)
    assert "hunter2" not in repr(plan)


def test_address_of_the_environment_is_not_written(project, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@host/shop")
    project.write("models.py", USER)
    assert init(project).database_url == "sqlite:///./test.db"


@pytest.mark.parametrize("url", ["me:hunter2@host", "sqlite:///x\n[evil]"])
def test_address_that_is_none_is_refused_and_nothing_written(project, url):
    project.write("models.py", USER)
    with pytest.raises(ConfigurationError) as raised:
        init(project, database_url=url)
    assert "hunter2" not in str(raised.value)
    assert [path.name for path in project.path.iterdir()] == ["models.py"]


def test_address_given_for_an_ini_that_is_there_is_not_written_silently(project):
    project.write("models.py", USER)
    init(project)
    plan = init(project, database_url="sqlite:///./other.db")
    assert plan.notes == ("alembic.ini is there and keeps its sqlalchemy.url: change it there, or set DATABASE_URL",)


# ---- projects that have Alembic already


def test_stock_project_is_adopted(project):
    project.write("alembic.ini", "[alembic]\nscript_location = migrations\n")
    project.write("migrations/env.py", "from alembic import context\n")
    assert_adopted(project, "migrations/env.py is there, and alembic.ini configures Alembic")


def test_project_configured_in_pyproject_is_adopted(project):
    project.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/db"\n')
    project.write("db/env.py", "from alembic import context\n")
    assert_adopted(project, "db/env.py is there, and pyproject.toml configures Alembic")


def test_project_with_a_location_that_alembic_alone_knows_is_adopted(project):
    project.write("alembic.ini", "[alembic]\nscript_location = shop:migrations\n")
    assert_adopted(project, "alembic.ini has script_location = shop:migrations in [alembic]")


def test_project_of_several_sections_is_adopted(project):
    project.write("alembic.ini", "[users]\nscript_location = users\n\n[orders]\nscript_location = orders\n")
    assert_adopted(project, "alembic.ini has script_location = users in [users]")


def test_project_of_flask_migrate_is_adopted(project):
    project.write("migrations/alembic.ini", "[alembic]\n")
    project.write("migrations/env.py", "from flask import current_app\n")
    assert_adopted(project, "migrations/env.py is there, and migrations/alembic.ini configures Alembic")


def test_project_without_any_configuration_file_is_adopted(project):
    project.write("migrations/env.py", "from alembic import context\n")
    assert_adopted(project, "migrations/env.py is there")


# ---- what goes wrong


def test_shadowed_alembic_is_refused(project):
    project.write("alembic/__init__.py", "")
    with pytest.raises(AlembicShadowed):
        init(project)


def test_nothing_is_written_without_models(project):
    with pytest.raises(ModelsNotFound):
        init(project)
    assert not list(project.path.iterdir())


def test_nothing_is_written_with_broken_models(project):
    project.write("models.py", "1 / 0")
    with pytest.raises(ModelsBroken):
        init(project)
    assert [path.name for path in project.path.iterdir()] == ["models.py"]
