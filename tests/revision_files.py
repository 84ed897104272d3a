"""Versions folders for tests, a file a revision, as Alembic's template writes them."""

from collections.abc import Sequence
from pathlib import Path

from oppmigrate.revisions import Graph, load_graph
from projects import rewrite

Names = str | Sequence[str] | None

TEMPLATE = '''"""{message}

Revision ID: {revision}
Revises: {revises}
Create Date: {created}

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = {revision!r}
down_revision: Union[str, Sequence[str], None] = {down!r}
branch_labels: Union[str, Sequence[str], None] = {labels!r}
depends_on: Union[str, Sequence[str], None] = {depends_on!r}


def upgrade() -> None:
    """Upgrade schema."""
    {upgrade}


def downgrade() -> None:
    """Downgrade schema."""
    pass
'''


class Versions:
    """A versions folder; `write` adds a revision to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def write(
        self,
        revision: str,
        down: Names = None,
        *,
        labels: Names = None,
        depends_on: Names = None,
        message: str = "",
        created: str = "2024-01-01 12:00:00.000000",
        upgrade: str = "pass",
        name: str | None = None,
    ) -> Path:
        path = self.folder / (name or f"{revision}_{message.replace(' ', '_')}.py")
        text = TEMPLATE.format(
            revision=revision,
            down=down,
            labels=labels,
            depends_on=depends_on,
            message=message or f"make {revision}",
            created=created,
            upgrade=upgrade,
            revises="" if down is None else down if isinstance(down, str) else ", ".join(down),
        )
        if path.exists():
            rewrite(path, text)
        else:
            path.write_text(text, encoding="utf-8")
        return path

    def write_text(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_line(self, *revisions: str) -> None:
        """Each revision on top of the one before."""
        for number, revision in enumerate(revisions):
            self.write(revision, revisions[number - 1] if number else None)

    def graph(self) -> Graph:
        return load_graph([self.folder])


def ids(files: Sequence[object]) -> list[str]:
    """The ids of revision files, so that an assertion reads as data."""
    return [file.revision for file in files]  # type: ignore[attr-defined]
