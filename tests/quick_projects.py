"""A small project whose commands are called in this process, by both lanes, to compare what they say."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from oppmigrate import fastlane
from oppmigrate.cli import main
from revision_files import Versions

INI = """
[alembic]
script_location = %(here)s/alembic
sqlalchemy.url = sqlite:///./test.db
"""
ENV = "from oppmigrate.environment import run_migrations\n1 / 0  # no quick answer runs it, nor its full form\n"
QUICK = (
    ("upgrade",),
    ("upgrade", "heads", "--yes"),
    ("current",),
    ("current", "--quiet"),
    ("heads",),
    ("heads", "-q"),
    ("history",),
    ("check", "--pending"),
)
Said = tuple[str, str, int]


@dataclass(frozen=True)
class QuickProject:
    """A project with no models: none of the commands that it is for asks for them."""

    path: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    @classmethod
    def make(cls, path: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> "QuickProject":
        (path / "alembic").mkdir(parents=True)
        (path / "alembic.ini").write_text(INI)
        (path / "alembic" / "env.py").write_text(ENV)
        monkeypatch.setattr("sys.dont_write_bytecode", False)  # what is known is to be kept
        return cls(path, monkeypatch, capture)

    @property
    def versions(self) -> Versions:
        return Versions(self.path / "alembic" / "versions")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path / 'test.db'}"

    def record(self, *heads: str) -> None:
        """Make the database, where it is not there yet, and record these heads alone."""
        with closing(sqlite3.connect(self.path / "test.db")) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
            connection.execute("DELETE FROM alembic_version")
            connection.executemany("INSERT INTO alembic_version VALUES (?)", [(head,) for head in heads])

    # ---- asking

    def quickly(self, *arguments: str) -> Said | None:
        """What the fast lane says; None where it leaves the answer to the full command."""
        self.capture.readouterr()
        code = fastlane.answer(["migrate", *arguments], str(self.path))
        out, err = self.capture.readouterr()
        assert code is not None or (out, err) == ("", ""), "said something, and handed over"
        return None if code is None else (out, err, code)

    def by(self, arguments: Sequence[str], **environment: str) -> Said:
        with self.monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            self.capture.readouterr()
            code = main(["migrate", *arguments], project=self.path)
            return (*self.capture.readouterr(), code)

    def in_full(self, *arguments: str) -> Said:
        """What the full command says."""
        return self.by(arguments, OPPMAN_FAST="0")

    def same(self, *commands: Sequence[str]) -> int:
        """Compare the lanes, twice: the first time may read what the second knows. How many were answered quickly?"""
        answered = 0
        for arguments in commands:
            expected = self.in_full(*arguments)
            for _time in ("first", "second"):
                said = self.quickly(*arguments)
                assert said in (None, expected), arguments
            assert self.by(arguments) == expected
            answered += said is not None
        return answered
