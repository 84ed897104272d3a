"""The questions of `create`, asked on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oppmigrate.cli.terminal import Terminal

if TYPE_CHECKING:
    from oppmigrate.autogenerate.evidence import Candidate


class TerminalQuestioner:
    """Answers for `create` from the person at the terminal; nothing is a rename, or dropped, unless they say so."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def choose_old_name(self, new: str, candidates: Sequence["Candidate"]) -> str | None:
        """A pick-list of the names that are gone; Enter means that the name is new."""
        self._terminal.story(f"{new} is not in the database. Was it, before:")
        for number, candidate in enumerate(candidates, start=1):
            evidence = f": {candidate.evidence}" if candidate.evidence else ""
            self._terminal.story(f"  {number}  {candidate.name}, and is renamed{evidence}")
        self._terminal.story("  0  nothing: it is new")
        chosen = self._terminal.choose(len(candidates))
        return candidates[chosen - 1].name if chosen else None

    def confirm_drop(self, name: str) -> bool:
        """A yes or no; Enter means no."""
        return self._terminal.agrees(f"Drop {name}, with all it holds?")

    def ask_default(self, name: str, type_: str, call: str | None) -> str | None:
        """A value as text; Enter means no answer."""
        self._terminal.story(f"{name} ({type_}) is new and takes no NULL.")
        self._offer(call)
        return self._terminal.answer(f"Which value do the rows already there get, default for {name}") or None

    def ask_fill(self, name: str, type_: str, nulls: int, call: str | None) -> str | None:
        """A value as text; Enter means no answer."""
        rows = f"{nulls:,} rows hold" if nulls != 1 else "1 row holds"
        self._terminal.story(f"{name} ({type_}) is to take no NULL, and {rows} one.")
        self._offer(call)
        return self._terminal.answer(f"Which value do they get, default for {name}") or None

    def _offer(self, call: str | None) -> None:
        if call:
            self._terminal.story(f"  {call}  calls the model's own default, for each row")
