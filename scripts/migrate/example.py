"""The Order walk-through of this folder's README: every command, with its real output, on a temporary copy.

    python scripts/migrate/example.py

Your own database and files are not touched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# what the application is made of; databases, backups and the venv stay behind
PARTS = ("oppman.py", "models.py", "pyproject.toml", "alembic.ini", "alembic", "scripts")

ORDER_MODEL = '''

class Order(SQLModel, table=True):
    """What a user bought."""

    __tablename__ = "orders"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id")
    total_amount: float
    status: str = Field(default="pending", max_length=20)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
'''

# (what happens, the arguments of oppman.py)
BEFORE = (
    ("Is the project set up? init writes nothing twice.", "migrate init"),
    ("Bring the empty database to where the application's own revisions end.", "migrate upgrade"),
    ("Where does it stand?", "migrate current"),
)
AFTER = (
    ("Models and migrations differ now: check says how, and exits with 1.", "migrate check"),
    ("Write the revision that makes them agree.", 'migrate create "Add Order model"'),
    ("Read it before applying it.", "migrate show"),
    ("What would upgrade do?", "migrate upgrade --plan"),
    ("Save the database, then apply.", "backup"),
    ("", "migrate upgrade"),
    ("", "migrate current"),
    ("", "migrate history"),
    ("", "migrate check"),
    ("Roll the last revision back …", "migrate downgrade -1"),
    ("", "migrate current"),
    ("… and forward again.", "migrate upgrade"),
    ("Recording without running is for databases that have the tables already.", "migrate stamp head"),
    ("The configuration is as the tool would write it.", "migrate setup --dry-run"),
    ("What has been saved so far?", "backup --list"),
    ("Start fresh: a backup is taken first.", "delete --yes"),
)
EXPECTED = {"migrate check": (0, 1)}


def walk_through(root: Path = ROOT) -> int:
    """Run it; return 0 when every command did what it says."""
    with tempfile.TemporaryDirectory(prefix="oppman-example-") as folder:
        project = Path(folder) / "application"
        _copy(root, project)
        print(f"A copy of the application in {project}; your own database and files are not touched.", flush=True)
        results = [_run(project, *step) for step in BEFORE]
        _say("Add an Order model to models.py.")
        print(ORDER_MODEL.strip("\n"), flush=True)
        _add_order_model(project / "models.py")
        results += [_run(project, *step) for step in AFTER]
    return 0 if all(results) else 1


def _copy(root: Path, project: Path) -> None:
    project.mkdir()
    for name in PARTS:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__", "*.bak*"))
        else:
            shutil.copy2(source, project / name)


def _add_order_model(models: Path) -> None:
    source = models.read_text(encoding="utf-8")
    models.write_text(source.rstrip("\n") + "\n" + ORDER_MODEL, encoding="utf-8")


def _run(project: Path, why: str, command: str) -> bool:
    """Run one command as a person would, show what it says, and tell whether its exit code was the expected one."""
    import shlex

    if why:
        _say(why)
    print(f"$ python oppman.py {command}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "oppman.py", *shlex.split(command)],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode in EXPECTED.get(command, (0,))


def _say(text: str) -> None:
    print(f"\n# {text}", flush=True)


if __name__ == "__main__":
    sys.exit(walk_through())
