"""The Order walk-through of this folder's README: every migration command, with its real output, on a temporary copy.

    python scripts/migrate/example.py [--keep DIR]

Your own database and files are not touched. `--keep` makes the copy in a new folder and leaves it there.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# what the migrations need of the application; databases, backups, .env and the venv stay behind
PARTS = ("oppman.py", "models.py", "pyproject.toml", "alembic.ini", "alembic", "scripts")
# settings of yours that would lead the commands away from the copy
OUTSIDE = ("DATABASE_URL", "OPPMAN_", "ALEMBIC_")

ORDER_MODEL = '''
class Order(SQLModel, table=True):
    """What a user bought."""

    __tablename__ = "orders"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id")
    total_amount: float
    status: str = Field(default="pending", max_length=20)
    created_at: datetime = Field(default_factory=utc_now)
'''
QUANTITY = "    quantity: int\n"


@dataclass(frozen=True)
class Step:
    """A command of oppman.py, why it is given, and the exit code that it has to end with."""

    command: str
    why: str = ""
    code: int = 0


@dataclass(frozen=True)
class Addition:
    """Lines that are added at the end of models.py, as an editor would."""

    text: str
    why: str


STORY: tuple[Step | Addition, ...] = (
    Step("migrate init", "Has the project been set up? It has, so init writes nothing."),
    Step("migrate upgrade", "Apply the application's own revision; this makes the database."),
    Step("migrate current", "Where does the database stand?"),
    Addition(ORDER_MODEL, "Add a model to models.py:"),
    Step("migrate check", "The models are ahead of the migrations now: check says how, with exit code 1.", code=1),
    Step('migrate create "Add Order model"', "Write the revision that brings the database after them."),
    Step("migrate show", "Read it: what it does, both ways, in words and as SQL."),
    Step("migrate upgrade --plan", "What would upgrade do?"),
    Step("backup", "Save the database, then apply."),
    Step("migrate upgrade"),
    Step("migrate check", "All agree again: exit code 0."),
    Addition(QUANTITY, "Add a column to Order. It takes no NULL, and the orders that are there have no quantity:"),
    Step('migrate create "Count what is ordered"', "That cannot be guessed. On a terminal, create would ask.", code=1),
    Step('migrate create "Count what is ordered" --default orders.quantity=1', "The answer, as a flag:"),
    Step("migrate upgrade"),
    Step("migrate downgrade -1", "Roll the last revision back ..."),
    Step("migrate current"),
    Step("migrate upgrade", "... and forward again."),
    Step(
        'migrate create "Add refunds" --empty --splice --head {Add Order model}',
        "Somebody else built on the Order revision, too: a second head.",
    ),
    Step("migrate heads"),
    Step('migrate merge "Join quantities and refunds"', "Join the two."),
    Step("migrate upgrade"),
    Step("migrate history --graph", "The whole history, drawn."),
    Step("migrate stamp head", "Record a revision without running it: for databases that have the tables already."),
    Step("migrate setup --dry-run", "Is the configuration as init would write it?"),
    Step("delete --yes", "Start fresh. A backup is taken first ..."),
    Step("backup --list", "... here it is, at the top ..."),
    Step("restore --yes", "... and brings everything back."),
    Step("migrate current"),
)


def walk_through(root: Path = ROOT, keep: Path | None = None) -> int:
    """Tell the story; return 0 when every command ended as it should.

    Args:
        keep: a folder to make the copy in, which must not exist yet; it stays. None: a temporary one, removed.
    """
    if keep is not None:
        return _tell(root, keep.absolute())
    with tempfile.TemporaryDirectory(prefix="oppman-example-") as folder:
        return _tell(root, Path(folder) / "application")


def _tell(root: Path, project: Path) -> int:
    copy_application(root, project)
    _say(f"A copy of the application in {project}; your own database and files are not touched.")
    surprises = [line for step in STORY for line in _take(project, step)]
    for line in surprises:
        _say(f"\nnot as expected: {line}")
    if not surprises:
        _say("\n# Done: every command ended as it should.")
    return 1 if surprises else 0


def copy_application(root: Path, project: Path) -> None:
    """What the migrations need of the application, without what was made in it."""
    project.mkdir(parents=True)
    for name in PARTS:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__", "*.bak*"))
        else:
            shutil.copy2(source, project / name)


def _take(project: Path, step: Step | Addition) -> Iterator[str]:
    """Do what the step says, and yield what did not go as it should."""
    if step.why:
        _say(f"\n# {step.why}")
    if isinstance(step, Addition):
        _say(step.text.strip("\n"))
        models = project / "models.py"
        models.write_text(models.read_text(encoding="utf-8").rstrip("\n") + "\n" + step.text, encoding="utf-8")
        return
    command = _named(step.command, project)
    _say(f"$ python oppman.py {command}")
    code = _run(project, command)
    if code:
        _say(f"[exit code {code}]")
    if code != step.code:
        yield f"python oppman.py {command} ended with exit code {code} instead of {step.code}"


def _named(command: str, project: Path) -> str:
    """The command with the id of a revision in the place of its `{message}`."""
    if "{" not in command:
        return command
    from oppmigrate import MigrationManager

    revisions = MigrationManager(project).history().revisions
    return command.format_map({each.message: each.revision for each in revisions})


def _run(project: Path, command: str) -> int:
    """Run one command as a person would; what it says goes where ours goes, in the order of saying."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    done = subprocess.run(
        [sys.executable, "oppman.py", *shlex.split(command)],
        cwd=project,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Walk through every migration command on a copy of the application.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the copy in this new folder and leave it there")
    sys.exit(walk_through(keep=parser.parse_args().keep))
