"""From the arguments to an answer, or to none: then the full command answers, as if nobody had looked before."""

from __future__ import annotations

import gc
import os
import sys

from oppmigrate import __version__
from oppmigrate.fastlane.asking import Question, understand
from oppmigrate.fastlane.knowledge import (
    HISTORY,
    STORE,
    Files,
    key_of,
    recall_files,
    recall_settings,
)
from oppmigrate.fastlane.recorded import Recorded, Uncertain
from oppmigrate.fastlane.telling import tell
from oppmigrate.index import Oddity, Store
from oppmigrate.landmarks import PROJECT_MARKERS
from oppmigrate.lines import version_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from oppmigrate.fastlane.knowledge import Row, Settings

OFF = "OPPMAN_FAST"


def answer(arguments: Sequence[str], project: str | None) -> int | None:
    """Answer, if that can be done quickly and with certainty.

    Args:
        arguments: those of the command line.
        project: the project's folder where `--project` does not name one.

    Returns:
        the exit code; None where nothing was said.
    """
    if list(arguments) == ["--version"] and sys.stdout is not None:
        sys.stdout.write(f"{version_line(__version__)}\n")
        return 0
    question = understand(arguments)
    if question is None or os.environ.get(OFF) == "0" or sys.stdout is None or sys.stderr is None:
        return None
    collects = gc.isenabled()
    gc.disable()  # thousands of small tuples that all are needed to the end
    try:
        out, err, code = _answer(question, project)
    except (Uncertain, Oddity, OSError):
        return None
    finally:
        if collects:
            gc.enable()
    sys.stdout.write(out)
    if err:
        sys.stderr.write(err)
    return code


def _answer(question: Question, caller: str | None) -> tuple[str, str, int]:
    named = question.project or os.environ.get("OPPMAN_PROJECT") or caller
    here = os.getcwd()
    project = os.path.join(here, named) if named else _project_around(here)
    if not os.path.isdir(project):
        raise Uncertain("no such folder")
    url = question.database_url or os.environ.get("DATABASE_URL")
    key = key_of(project, project if named else here, bool(url))
    known = _Known(project)
    settings = known.settings(key, question.database_url)
    files = known.files(settings.folder)
    address = url or settings.url
    assert address is not None
    recorded = _read(address, project, settings, with_done=question.command == "upgrade")
    known.save()
    return tell(question, files, recorded, known.rows, known.checksums)


def _project_around(folder: str) -> str:
    """The nearest folder upwards with a marker of a project; a pyproject.toml on the way has to be read first."""
    nearest = folder
    while not any(os.path.isfile(f"{nearest}/{marker}") for marker in PROJECT_MARKERS):
        above = os.path.dirname(nearest)
        if above == nearest or os.path.exists(f"{nearest}/pyproject.toml"):
            from oppmigrate.fastlane.learning import project_around

            return project_around(folder)
        nearest = above
    return nearest


def _read(url: str, project: str, settings: Settings, *, with_done: bool) -> Recorded:
    backend = url.partition(":")[0].partition("+")[0]
    if backend == "sqlite":
        from oppmigrate.fastlane import sqlite

        return sqlite.read(sqlite.path_of(url, project), settings.journal, with_done=with_done)
    if backend not in ("postgresql", "mysql", "mariadb"):
        raise Uncertain("a kind of database that is not read here")
    from oppmigrate.fastlane import servers

    return servers.read(backend, url, settings.journal, with_done=with_done)


class _Known:
    """What is known of the project, from an earlier run or learned in this one."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._store = Store(project, STORE)
        self._known: dict[str, Any] = self._store.load() or {}
        self._is_new = False
        self._files: Files | None = None
        self._rows: tuple[Row, ...] | None = None

    def settings(self, key: tuple[Any, ...], database_url: str | None) -> Settings:
        settings = recall_settings(self._known, key)
        if settings is None:
            from oppmigrate.fastlane.learning import learn_settings

            settings = learn_settings(self._project, key[1], database_url, key)
        self._note("settings", settings.values if settings.values["keep"] else None)
        return settings

    def files(self, folder: str) -> Files:
        files = recall_files(self._known, folder)
        if files is None:
            from oppmigrate.fastlane.learning import learn_files

            files, self._rows = learn_files(self._project, folder)
            Store(self._project, HISTORY).save((files.token, self._rows))
        self._note("files", files.values)
        self._files = files
        return files

    def rows(self) -> tuple[Row, ...]:
        """Every revision, in the order of the files."""
        assert self._files is not None
        if self._rows is None:
            token, rows = Store(self._project, HISTORY).load() or (None, ())
            if token != self._files.token:
                from oppmigrate.fastlane.learning import learn_files

                _files, rows = learn_files(self._project, self._files.values["folder"])
            self._rows = rows
        return self._rows

    def checksums(self) -> Mapping[str, str]:
        """What the changed files mean, as far as that was worked out before."""
        from oppmigrate.revisions import known_checksums

        return known_checksums(self._project)

    def save(self) -> None:
        """Keep what was learned."""
        if self._is_new:
            self._store.save(self._known)

    def _note(self, name: str, values: Any) -> None:
        self._is_new |= self._known.get(name) is not values
        self._known[name] = values
