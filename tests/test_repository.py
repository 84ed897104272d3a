"""The files around the source agree with each other: what is installed, locked and ignored."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
PUBLIC_INDEX = "https://pypi.org/simple"


def requirement_of(entry):
    """A locked requirement as pyproject.toml writes it: name, extras and version, without spaces."""
    extras = f"[{','.join(entry['extras'])}]" if "extras" in entry else ""
    return f"{entry['name']}{extras}{entry.get('specifier', '')}"


def locked_project():
    return next(package for package in LOCK["package"] if package["name"] == "oppmigrate")


def test_lock_is_up_to_date_with_dependencies():
    """`make lock` after a change of pyproject.toml."""
    wanted = set(PYPROJECT["project"]["dependencies"])
    for name, extra in PYPROJECT["project"]["optional-dependencies"].items():
        wanted |= set() if name == "all" else set(extra)
    locked = locked_project()["metadata"]["requires-dist"]
    assert {requirement_of(entry) for entry in locked if entry["name"] != "oppmigrate"} == wanted


@pytest.mark.parametrize("group", ["dev", "bench"])
def test_lock_is_up_to_date_with_development_dependencies(group):
    wanted = {line for line in PYPROJECT["dependency-groups"][group] if not line.startswith("oppmigrate")}
    locked = locked_project()["metadata"]["requires-dev"][group]
    assert {requirement_of(entry) for entry in locked if entry["name"] != "oppmigrate"} == wanted


def test_lock_names_only_the_public_index():
    sources = {source for package in LOCK["package"] for source in package["source"].values()}
    assert sources == {".", PUBLIC_INDEX}


@pytest.mark.parametrize(
    "path", ["test.db", "test.db-wal", "test.db-shm", "backups/test.db", ".venv/bin/python", ".env", "dist/x.whl"]
)
def test_what_is_made_is_ignored_by_git(path):
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("command", ["demo", "test", "faults", "lint", "format", "setup"])
def test_make_lists_command(command):
    listed = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.search(rf"^make {command} ", listed, re.MULTILINE)


def test_version_is_the_package_s():
    import oppmigrate

    assert PYPROJECT["project"]["version"] == oppmigrate.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {oppmigrate.__version__} (" in changes
