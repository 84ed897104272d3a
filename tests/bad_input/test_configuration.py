"""Configuration files, `env.py` and the template: broken, gone, or not doing what is asked of them."""

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from bad_projects import COMMANDS, FIRST, SECRET, Shop
from oppmigrate.cli import main

READING = ("migrate current", "migrate upgrade", "migrate create x")

# ---- alembic.ini


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[alembic]", "[alembic", "line: "),
        ("[alembic]", "[alembci]", "it has [alembci]"),
        ("[post_write_hooks]", "[alembic]", "section 'alembic' already exists"),
        ("sqlite:///./test.db", f"postgresql://u:{SECRET}%@h/x", "write `%%` there"),
    ],
)
def test_broken_ini_file(small_shop: Shop, old: str, new: str, says: str) -> None:
    small_shop.upgraded().change("alembic.ini", old, new)
    for command in READING:
        small_shop.refuse(command, "configuration-error", "alembic.ini", says)


def test_ini_file_that_is_not_utf_8(small_shop: Shop) -> None:
    with (small_shop.path / "alembic.ini").open("ab") as stream:
        stream.write(b"# caf\xe9\n")
    small_shop.refuse("migrate current", "configuration-error", "alembic.ini is not UTF-8")


def test_section_and_file_that_are_not_there(small_shop: Shop) -> None:
    error = small_shop.refuse("-n nope migrate current", "configuration-error", "[nope]", "-n SECTION")
    assert "logger" not in error["why"]
    small_shop.refuse("-c nope.ini migrate current", "configuration-error", "nope.ini does not exist")


@pytest.mark.parametrize("command", [*READING, "migrate history"])
def test_ini_file_that_points_to_a_folder_that_is_gone(small_shop: Shop, command: str) -> None:
    small_shop.upgraded().change("alembic.ini", "%(here)s/alembic", "%(here)s/gone")
    small_shop.refuse(command, "not-initialised", "gone/env.py does not exist", "alembic.ini names gone")


@pytest.mark.parametrize("command", READING)
def test_env_file_that_is_gone(small_shop: Shop, command: str) -> None:
    small_shop.upgraded()
    (small_shop.path / "alembic/env.py").unlink()
    small_shop.refuse(command, "not-initialised", "alembic/env.py does not exist", "git checkout", "migrate init")


def test_versions_folder_that_is_gone(small_shop: Shop) -> None:
    small_shop.upgraded()
    shutil.rmtree(small_shop.path / "alembic/versions")
    small_shop.refuse("migrate upgrade", "revision-file-missing", FIRST)


def test_versions_folder_that_cannot_be_written(small_shop: Shop) -> None:
    """A file in its place stands for the missing right, which root does not miss."""
    folder = small_shop.path / "alembic/versions"
    shutil.rmtree(folder)
    folder.write_text("")
    small_shop.refuse("migrate create x --empty", "revision-file-broken", "versions", "Not a directory")


# ---- script.py.mako


def test_template_that_is_gone(small_shop: Shop) -> None:
    small_shop.upgraded()
    (small_shop.path / "alembic/script.py.mako").unlink()
    small_shop.refuse(
        "migrate create x --empty", "revision-file-broken", "script.py.mako does not exist", "migrate init"
    )
    small_shop.ok("migrate", "init")
    small_shop.ok("migrate", "create", "x", "--empty")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("${nothing(1)}", "cannot be rendered: TypeError"),
        ("<% raise ValueError('no good') %>", "cannot be rendered: ValueError: no good"),
        ("% for x in", "script.py.mako"),
        ("def upgrade(:\n", "SyntaxError"),
        ('revision = ${repr(up_revision)}\n"""${message}"""\n', "down_revision"),
    ],
)
def test_broken_template(small_shop: Shop, template: str, says: str) -> None:
    small_shop.write("alembic/script.py.mako", template)
    small_shop.refuse(
        "migrate create x --empty", "revision-file-broken", "script.py.mako", says, "nothing was left behind"
    )


# ---- env.py

RUN = "run_migrations(context, target_metadata)"


@pytest.mark.parametrize(
    ("old", "new", "kind", "says"),
    [
        (
            "import models",
            "raise RuntimeError('no good')",
            "environment-failed",
            "env.py:8 raised RuntimeError: no good",
        ),
        ("import models", "import sys; sys.exit(0)", "environment-failed", "env.py:8 raised SystemExit: 0"),
        ("import models", "import no_such_package", "environment-failed", "install the package that holds it"),
        ("import models", "import (models", "environment-failed", "env.py:8"),
        (RUN, "print(target_metadata)", "environment-failed", "ran no migrations"),
        ("models.SQLModel.metadata", "None", "environment-failed", "name_constraints(None)"),
    ],
)
def test_env_file_that_does_not_do_its_work(small_shop: Shop, old: str, new: str, kind: str, says: str) -> None:
    small_shop.upgraded().revision("bbbb")
    small_shop.change("alembic/env.py", old, new)
    for command in ("migrate upgrade", "migrate check", "migrate create x"):
        small_shop.refuse(command, kind, "alembic/env.py", says)


def test_env_file_that_swallows_errors(shop: Shop) -> None:
    shop.upgraded().revision("bbbb", upgrade="raise RuntimeError('no good')")
    shop.change("alembic/env.py", RUN, f"try:\n    {RUN}\nexcept Exception:\n    pass")
    shop.refuse("migrate upgrade", "migration-failed", "revision bbbb", "RuntimeError: no good")
    for command in ("migrate create x", "migrate check"):
        shop.refuse(command, "migration-failed", "revision bbbb", "RuntimeError: no good")


def test_env_file_that_raises_when_all_is_done(shop: Shop) -> None:
    shop.upgraded().revision("bbbb")
    shop.change("alembic/env.py", RUN, f"{RUN}\nraise RuntimeError('no good')")
    error = shop.refuse(
        "migrate upgrade", "environment-failed", "alembic/env.py:17", "the database stands at bbbb", keeps=False
    )
    assert "versions" not in error["do"]
    assert shop.recorded() == ["bbbb"]


def test_password_in_an_exception_of_the_env_file(small_shop: Shop) -> None:
    small_shop.upgraded().revision("bbbb")
    small_shop.change("alembic/env.py", "import models", f"raise RuntimeError('mysql://ann:{SECRET}@db/app')")
    for command in ("migrate upgrade", "migrate upgrade --verbose"):
        small_shop.refuse(command, "environment-failed", "mysql://ann:***@db/app")


# ---- .env and pyproject.toml


@pytest.mark.parametrize(
    "line", [f"DATABASE_URL='postgresql://u:{SECRET}@h/x", "DATABASE_URL sqlite:///other.db", "OPPMAN_MODELS = 'a\n"]
)
def test_line_of_dotenv_that_would_be_passed_over(small_shop: Shop, line: str) -> None:
    small_shop.env = {}
    small_shop.write(".env", f"DEBUG=1\n{line}\n")
    for command in READING:
        small_shop.refuse(command, "configuration-error", "line 2 of", ".env", "mend that line")
    small_shop.write(".env", "this line is somebody else's = '\n# DATABASE_URL='\nDATABASE_URL=sqlite:///other.db\n")
    assert "other.db" in small_shop.run("migrate", "current").stderr


def test_dotenv_that_is_not_utf_8(small_shop: Shop) -> None:
    (small_shop.path / ".env").write_bytes(b"NAME=caf\xe9\n")
    small_shop.refuse("migrate upgrade", "configuration-error", ".env is not UTF-8")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("[tool.oppman\n", "line 1"),
        ("[tool.oppman]\nmodels = 3\n", 'models = ["models"]'),
        ("[tool.oppman]\ndatabase_url = 3\n", "database_url"),
        ("[tool.oppman]\nbackup_directory = 3\n", "backup_directory"),
        ("[tool.oppman]\nconfig = 'nope.ini'\n", "nope.ini"),
        ("[tool.oppman]\nsection = 'nope'\n", "[nope]"),
    ],
)
def test_broken_pyproject(small_shop: Shop, source: str, says: str) -> None:
    small_shop.upgraded().write("pyproject.toml", source)
    for command in READING:
        small_shop.refuse(command, "configuration-error", says)


def test_broken_pyproject_is_told_where_a_command_of_the_applications_own_is_called(small_shop: Shop) -> None:
    small_shop.write("pyproject.toml", "[tool.oppman\ncommands = ['scripts.hello']\n")
    small_shop.refuse("hello", "configuration-error", "pyproject.toml cannot be read")


@pytest.mark.parametrize(
    ("module", "says"), [("scripts.nope", "No module named 'scripts'"), ("models", "models is no command")]
)
def test_command_of_the_applications_own_that_is_none(small_shop: Shop, module: str, says: str) -> None:
    small_shop.write("pyproject.toml", f"[tool.oppman]\ncommands = ['{module}']\n")
    small_shop.refuse("hello", "configuration-error", says, "`commands` in [tool.oppman]")
    assert small_shop.ok("migrate", "upgrade")


def test_exception_in_a_command_of_the_applications_own(small_shop: Shop) -> None:
    small_shop.write("pyproject.toml", "[tool.oppman]\ncommands = ['hello']\n")
    small_shop.write(
        "hello.py",
        f'''
        """Say hello."""


        def add_arguments(parser):
            pass


        def run(arguments, settings):
            raise RuntimeError("mysql://ann:{SECRET}@db/app")
        ''',
    )
    small_shop.refuse("hello", "unexpected-error", "RuntimeError: mysql://ann:***@db/app", "hello.py:9", "--verbose")


# ---- Alembic itself


@pytest.mark.parametrize("command", [*COMMANDS, "migrate init", "migrate setup", "backup"])
def test_alembic_folder_that_is_a_package(small_shop: Shop, command: str) -> None:
    small_shop.write("alembic/__init__.py", "")
    small_shop.refuse(command, "alembic-shadowed", f"delete {small_shop.path}/alembic/__init__.py")


def test_module_called_alembic(small_shop: Shop) -> None:
    small_shop.write("alembic.py", "")
    small_shop.refuse("migrate current", "alembic-shadowed", "another name")


def test_alembic_that_is_too_old(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "1.17.2")
    state = small_shop.state()
    assert main(["--project", str(small_shop.path), "migrate", "upgrade"]) == 1
    said = capsys.readouterr().err
    assert "error: Alembic 1.17.2 is too old" in said and "pip install -U 'alembic>=1.18'" in said
    assert small_shop.state() == state


def test_alembic_that_is_not_installed(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert main(["--project", str(small_shop.path), "migrate", "upgrade"]) == 1
    assert "pip install 'alembic>=1.18'" in capsys.readouterr().err


def test_init_beside_a_file_where_a_folder_should_be(small_shop: Shop) -> None:
    shutil.rmtree(small_shop.path / "alembic")
    Path(small_shop.path / "alembic").write_text("")
    (small_shop.path / "alembic.ini").unlink()
    small_shop.refuse("migrate init", "file-not-written", "alembic")
