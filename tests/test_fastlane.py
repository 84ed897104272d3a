"""The fast lane says what the full path says, word for word, or nothing."""

import contextlib
import io
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oppmigrate import fastlane, load_settings
from oppmigrate.cli import main
from projects import Project, clean_environment, rewrite
from revision_files import Versions

COMMANDS = (
    ("migrate", "current"),
    ("migrate", "heads"),
    ("migrate", "history"),
    ("migrate", "history", "--verbose"),
    ("migrate", "check", "--pending"),
    ("migrate", "current", "--json"),
    ("migrate", "history", "--json"),
    ("migrate", "check", "--pending", "--json"),
)
UPGRADES = (("migrate", "upgrade"), ("migrate", "upgrade", "--json"), ("migrate", "upgrade", "--quiet"))
MODELS = """
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("t", metadata, Column("id", Integer, primary_key=True))
"""
pytestmark = pytest.mark.usefixtures("fresh_imports")


def answer(folder: Path, command: tuple[str, ...]) -> tuple[int, str, str]:
    """The exit code, and what was said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--no-input", *command], project=folder)
    return code, out.getvalue(), err.getvalue()


def full_answer(folder: Path, command: tuple[str, ...]) -> tuple[int, str, str]:
    with patch("oppmigrate.fastlane.glance", return_value=None):
        return answer(folder, command)


def assert_both_say_the_same(folder: Path) -> None:
    """An upgrade is asked for only where the fast lane answers it: it would change what is compared next."""
    seen = fastlane.glance(load_settings(folder))
    upgrades = UPGRADES if seen is not None and seen.has_nothing_to_do else ()
    before = digest_of(folder)
    for command in COMMANDS + upgrades:
        assert answer(folder, command) == full_answer(folder, command), command
    assert digest_of(folder) == before


def digest_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("test.db*")}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"DATABASE_URL", "OPPMAN_PROJECT"} - clean_environment().keys():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shop(project: Project) -> Project:
    """Two revisions, both applied."""
    start(project.path)
    versions = Versions(project.path / "alembic" / "versions")
    versions.write("a1", message="First")
    versions.write("b2", "a1", message="Second", name="b2.py")
    assert answer(project.path, ("migrate", "upgrade"))[0] == 0
    return project


def start(folder: Path) -> None:
    (folder / "models.py").write_text(MODELS)
    code, out, told = answer(folder, ("migrate", "init"))
    assert code == 0, out + told


def change(folder: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "test.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def is_seen(folder: Path) -> bool:
    return fastlane.glance(load_settings(folder)) is not None


# ---- the same answers


def test_up_to_date(shop: Project) -> None:
    assert is_seen(shop.path)
    assert_both_say_the_same(shop.path)
    assert answer(shop.path, ("migrate", "upgrade")) == (0, "up to date: the database is at b2\n", "")


def test_pending(shop: Project) -> None:
    change(shop.path, "UPDATE alembic_version SET version_num = 'a1'")
    assert is_seen(shop.path)
    assert_both_say_the_same(shop.path)


def parents(number: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(0, number - 1), max_size=2, unique=True).map(tuple) if number else st.just(())


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """For each revision its parents, and what it depends on."""
    return [
        (draw(parents(number)), draw(parents(number)) if draw(st.integers(0, 4)) == 0 else ())
        for number in range(draw(st.integers(0, 6)))
    ]


TAMPERINGS = (
    "UPDATE oppman_journal SET body_digest = 'other' WHERE id = 1",
    "UPDATE oppman_journal SET outcome = 'running', progress = '[]' WHERE id = 1",
    "UPDATE oppman_journal SET outcome = 'failed', progress = NULL WHERE id = 1",
    "UPDATE oppman_journal SET direction = 'downgrade' WHERE id = 1",
    "UPDATE oppman_journal SET version_table = 'another' WHERE id = 1",
    "DROP TABLE oppman_journal",
    "ALTER TABLE oppman_journal DROP COLUMN body_digest",
    "DROP TABLE alembic_version",
    "INSERT INTO alembic_version (version_num) VALUES ('unknown')",
    "SELECT 1",
)


@given(histories(), st.lists(st.integers(0, 5), max_size=3, unique=True) | st.none(), st.sampled_from(TAMPERINGS))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_histories_and_databases(
    history: list[tuple[tuple[int, ...], tuple[int, ...]]], recorded: list[int] | None, tampering: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        sys.modules.pop("models", None)
        start(folder)
        versions = Versions(folder / "alembic" / "versions")
        for number, (down, depends_on) in enumerate(history):
            versions.write(
                f"r{number}",
                [f"r{each}" for each in down] or None,
                depends_on=[f"r{each}" for each in depends_on if each not in down] or None,
                message=f"Step {number}",
            )
        answer(folder, ("migrate", "upgrade"))
        if recorded is not None and (folder / "test.db").exists():
            rows = ", ".join(f"('r{number}')" for number in recorded)
            with contextlib.suppress(sqlite3.OperationalError):  # nothing was there to be applied
                change(folder, "DELETE FROM alembic_version")
                change(folder, *([f"INSERT INTO alembic_version VALUES {rows}"] if rows else []))
        if (folder / "test.db").exists():
            with contextlib.suppress(sqlite3.OperationalError):
                change(folder, tampering)
        assert_both_say_the_same(folder)


# ---- what it leaves to the full path


def rewritten(relative: str, old: str, new: str) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        file = folder / relative
        text = file.read_text()
        assert old in text
        rewrite(file, text.replace(old, new))

    return work


@pytest.mark.parametrize(
    "make_unusual",
    [
        rewritten("alembic/env.py", "run_migrations(", "run_migrations(version_table='v', *"),
        rewritten("alembic/env.py", "oppmigrate.environment", "elsewhere"),
        rewritten("alembic.ini", "path_separator", "version_locations = elsewhere\npath_separator"),
        rewritten("alembic.ini", "[alembic]", "[another]"),
        rewritten("alembic.ini", "sqlite:///./test.db", "sqlite:///./test.db?timeout=3"),
        rewritten("alembic/versions/b2.py", "down_revision: ", "down_revision: ("),
        rewritten("alembic/versions/b2.py", "'a1'", "'gone'"),
        lambda folder: (folder / "test.db").unlink(),
        lambda folder: (folder / "test.db").write_bytes(b"no database, but long enough to be looked at" * 30),
        lambda folder: (folder / "alembic" / "versions" / "b2.py").unlink(),
    ],
)
def test_anything_unusual_is_left_to_the_full_path(shop: Project, make_unusual: Callable[[Path], None]) -> None:
    make_unusual(shop.path)
    assert not is_seen(shop.path)
    assert_both_say_the_same(shop.path)


def test_edited_file_is_told(shop: Project) -> None:
    rewritten("alembic/versions/b2.py", '"""Upgrade schema."""', "print('edited')")(shop.path)
    code, _, told = answer(shop.path, ("migrate", "upgrade"))
    assert code == 0
    assert "was edited after it was applied" in told


@pytest.fixture
def locked(shop: Project) -> Iterator[Path]:
    connection = sqlite3.connect(shop.path / "test.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield shop.path
    connection.close()


def test_locked_database_is_left_to_the_full_path(locked: Path) -> None:
    assert not is_seen(locked)


def test_database_in_wal_mode_is_read(shop: Project) -> None:
    change(shop.path, "PRAGMA journal_mode = WAL")
    code, out, told = answer(shop.path, ("migrate", "current"))
    assert (code, out, told) == (0, "b2 (head)  Second\n", "")


# ---- what it costs


@pytest.mark.parametrize(
    "command", ["migrate upgrade", "migrate current", "migrate heads", "migrate history", "migrate check --pending"]
)
def test_nothing_heavy_is_imported(shop: Project, command: str) -> None:
    program = (
        f"import sys; from oppmigrate.cli import main; main({command.split()!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=shop.path, env=clean_environment(), capture_output=True, text=True
    )
    heavy = {"sqlalchemy", "alembic", "sqlmodel", "pydantic", "rich", "asyncio", "mako", "importlib.metadata", "email"}
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) & heavy == set()
