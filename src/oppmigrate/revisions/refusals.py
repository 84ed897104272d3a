"""The errors for names of revisions that mean nothing, or too much: what, why, and what to type instead."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from alembic.script.revision import MultipleHeads as AlembicMultipleHeads
from alembic.script.revision import RangeNotAncestorError

from oppmigrate.errors import (
    AmbiguousRevision,
    MultipleHeads,
    RevisionError,
    RevisionFileMissing,
    UnknownRevision,
    WrongUsage,
)
from oppmigrate.revisions.places import shown
from oppmigrate.revisions.reading import RevisionFile

_MIGRATE = "python oppman.py migrate"
_IDS = f"`{_MIGRATE} history` lists the ids"
_BRANCHES = f"`{_MIGRATE} history --graph` draws the branches"
_CLEAR = f"`{_MIGRATE} stamp base` clears the records; then stamp each revision that the database is at"
_MOST_LISTED = 8


class Refusals:
    """Makes the errors, with the ids and messages of this history in them."""

    def __init__(self, revisions: Mapping[str, RevisionFile], labels: Mapping[str, str], heads: Sequence[str]) -> None:
        self._revisions = revisions
        self._labels = labels
        self._heads = heads

    def check_recorded(self, current: Collection[str]) -> None:
        """Raise RevisionFileMissing if the database stands at a revision that no file defines."""
        missing = [id_ for id_ in current if id_ not in self._revisions]
        if missing:
            names = ", ".join(f"`{id_}`" for id_ in missing)
            near = difflib.get_close_matches(missing[0], list(self._revisions))
            also = f"; near to it: {self._listed(near)}" if near else ""
            raise RevisionFileMissing(
                f"the database stands at revision {names}, which no file defines",
                why=f"the file was deleted, renumbered, or is on another branch in version control{also}",
                do=f"bring the file back: `git log --all --oneline -- '*{missing[0]}*'` shows where it is",
                revision=missing[0],
                missing=missing,
            )

    def empty(self, command: str) -> RevisionError:
        example = f"`{_MIGRATE} {command} {self._heads[0]}`" if self._heads else f"`{_MIGRATE} create`"
        return _unknown(
            "",
            "the name of the revision is empty",
            why="an id, a prefix of one, `head`, `heads`, `base` or a step such as `-1` is needed",
            do=f"such as {example}; {_IDS}",
        )

    def unknown(self, text: str) -> RevisionError:
        if not self._revisions:
            return _unknown(
                text,
                f"there is no revision `{text}`",
                why="there are no revision files yet",
                do=f'`{_MIGRATE} create "first tables"` writes the first',
            )
        symbol = text.rpartition("@")[2]
        near = difflib.get_close_matches(symbol, [*self._revisions, *self._labels])
        ids = [self._labels.get(name, name) for name in near]
        why = f"near to it: {self._listed(ids)}" if near else f"the newest: {self._listed(self._heads)}"
        return _unknown(
            text,
            f"there is no revision `{text}`",
            why=f"no id, prefix of an id or branch label among the {len(self._revisions)} revisions is so; {why}",
            do=_IDS,
            near=near,
        )

    def no_file(self, text: str) -> RevisionError:
        if not self._revisions:
            return self.unknown(text)
        return _unknown(
            text,
            f"`{text}` is no revision, but the state before the first one",
            why="no file belongs to it",
            do=f"`{_MIGRATE} history` lists the revisions that have one",
        )

    def ambiguous(self, text: str, candidates: Sequence[str]) -> RevisionError:
        return _ambiguous(
            text,
            candidates,
            f"`{text}` is the beginning of {len(candidates)} names",
            why=f"it could be {self._listed(candidates)}",
            do=f"type more of it, such as `{candidates[0]}`; {_IDS}",
        )

    def forked(self, text: str, here: str | None, further: Sequence[str | None]) -> RevisionError:
        place = f"`{here}`" if here else "the base"
        ids = [id_ for id_ in further if id_ is not None]
        return _ambiguous(
            text,
            ids,
            f"`{text}` does not say which way to go at {place}",
            why=f"the history divides there: {self._listed(ids)}",
            do=f"name the revision itself; {_BRANCHES}",
        )

    def too_far(self, text: str, start: str | None, steps: int) -> RevisionError:
        if not self._revisions:
            return self.unknown(text)
        place = f"`{start}`" if start else "the base"
        return _unknown(
            text,
            f"`{text}` leads out of the history",
            why=f"from {place} there {'is 1 step' if steps == 1 else f'are {steps} steps'} that way",
            do=f"`{_MIGRATE} history` lists the revisions in their order",
        )

    def several_recorded(self, text: str, current: Collection[str]) -> RevisionError:
        ids = sorted(set(current))
        step = text.rpartition("@")[2]
        ways = " or ".join(f"`{id_}@{step}`" for id_ in ids[:_MOST_LISTED])
        return _ambiguous(
            text,
            ids,
            f"`{text}` does not say from which of {len(ids)} revisions to count",
            why=f"the database stands on several branches: {self._listed(ids)}",
            do=f"name the branch: {ways}",
        )

    def several_heads(self, text: str, heads: Sequence[str], command: str) -> RevisionError:
        which = f"`{_MIGRATE} {command} {heads[0]}` takes one of them"
        every = f"`{_MIGRATE} {command} heads` takes all, " if command in ("upgrade", "stamp") else ""
        return MultipleHeads(
            f"`{text}` means one head, and there are {len(heads)}: {self._listed(heads)}",
            why="the history has branches that no revision merges",
            do=every + which,
            revision=text,
            heads=list(heads),
        )

    def wrong_way(self, text: str, command: str) -> RevisionError:
        other = "downgrade" if command == "upgrade" else "upgrade"
        label, at, step = text.rpartition("@")
        turned = f"{label}{at}{'-' if step[0] == '+' else '+'}{step[1:]}"
        return _unknown(
            text,
            f"`{command} {text}` would go the other way",
            why="an upgrade counts up, `+1`, and a downgrade counts down, `-1`",
            do=f"`{_MIGRATE} {other} {text}`, or `{_MIGRATE} {command} {turned}`",
        )

    def no_step(self, text: str) -> RevisionError:
        return _unknown(
            text,
            f"`{text}` cannot be stamped",
            why="a stamp takes no steps, since it runs nothing on the way",
            do=f"stamp an id, `head`, `heads` or `base`; {_IDS}",
        )

    def above_and_below(self, text: str, current: Collection[str]) -> RevisionError:
        return RevisionError(
            f"`{text}` cannot be stamped over what the database records, {self._listed(current)}",
            why="a stamp moves the records of a line of history up or down, and these would have to go both ways",
            do=_CLEAR,
            revision=text,
            current=list(current),
        )

    def no_range(self, text: str) -> WrongUsage:
        return WrongUsage(
            f"`{text}` is no range of revisions",
            why="a range has one colon: START:END, START: or :END",
            do=f"such as `{_MIGRATE} history -r current:` or `{_MIGRATE} history -r=-3:`",
            range=text,
        )

    def explain(self, error: Exception, command: str, text: str, current: Collection[str]) -> RevisionError:
        """Alembic's exception for `text`, in our terms."""
        if isinstance(error, AlembicMultipleHeads):
            return self.several_heads(text, tuple(error.heads), command)
        if isinstance(error, RangeNotAncestorError):
            return self._not_an_ancestor(command, text, current)
        sides = text.split(":") if command.startswith("history") else [text]
        for name in (part for side in sides for part in _parts(side)):
            candidates = self.starting_with(name)
            if len(candidates) > 1:
                return self.ambiguous(name, candidates)
            if not candidates:
                return self.unknown(name if len(sides) > 1 else text)
        return self._unreachable(error, text, current)

    def _not_an_ancestor(self, command: str, text: str, current: Collection[str]) -> RevisionError:
        if command.startswith("history"):
            start, _, end = text.partition(":")
            return RevisionError(
                f"the range `{text}` holds nothing",
                why=f"`{start}` does not come before `{end}` on one line of the history",
                do=f"the older one goes first; try `{_MIGRATE} history -r {end}:{start}`",
                revision=text,
            )
        stands = self._listed(list(current)) if current else "the base"
        return RevisionError(
            f"`{text}` cannot be downgraded to",
            why=f"it is not below what the database has applied, which is {stands}",
            do=f"`{_MIGRATE} history` shows what is applied; `{_MIGRATE} upgrade {text}` goes the other way",
            revision=text,
            current=list(current),
        )

    def _unreachable(self, error: Exception, text: str, current: Collection[str]) -> RevisionError:
        # Alembic tells these apart by their sentences alone
        said = str(error)
        if "overlaps" in said:
            return self._overlapping(said, text, current)
        stands = self._listed(list(current)) if current else "the base"
        kind = AmbiguousRevision if "mbiguous" in said else UnknownRevision
        return kind(
            f"`{text}` names no revision that can be reached from where the database stands, {stands}",
            why=_in_sentence(said) or "no revision lies there",
            do=f"name the revision itself; {_BRANCHES}",
            revision=text,
            current=list(current),
        )

    def _overlapping(self, said: str, text: str, current: Collection[str]) -> RevisionError:
        if any(id_ in said for id_ in current):
            return RevisionError(
                f"the database records revisions of which one stands on another: {self._listed(list(current))}",
                why="of each line of history only the newest applied revision is recorded, so one of these is wrong",
                do=_CLEAR,
                revision=text,
                current=list(current),
            )
        return RevisionError(
            f"`{text}` means revisions of which one stands on another",
            why=_in_sentence(said),
            do=f"name the later one, or `heads`; {_BRANCHES}",
            revision=text,
            current=list(current),
        )

    def starting_with(self, text: str) -> list[str]:
        """The names that Alembic takes `text` for: itself, else ids and labels of over three characters with it."""
        names = [*self._revisions, *self._labels]
        return [text] if text in names else [name for name in names if len(name) > 3 and name.startswith(text)]

    def _listed(self, ids: Collection[str]) -> str:
        listed = [self._described(id_) for id_ in list(ids)[:_MOST_LISTED]]
        more = len(ids) - len(listed)
        return ", ".join(listed) + (f" and {more} more" if more else "")

    def _described(self, name: str) -> str:
        file = self._revisions.get(self._labels.get(name, name))
        if file is None:
            return f"`{name}`"
        message = " ".join(file.message.split())
        return f"`{name}` ({message or shown(file.path)})"


def _unknown(text: str, what: str, *, why: str, do: str, near: Sequence[str] = ()) -> UnknownRevision:
    return UnknownRevision(what, why=why, do=do, revision=text, near=list(near))


def _ambiguous(text: str, candidates: Sequence[str], what: str, *, why: str, do: str) -> AmbiguousRevision:
    return AmbiguousRevision(what, why=why, do=do, revision=text, candidates=list(candidates))


def _in_sentence(said: str) -> str:
    """Alembic's words, to go on after ours."""
    return f"{said[:1].lower()}{said[1:]}"


def _parts(text: str) -> Iterable[str]:
    """The ids and labels in `text`: not `head` and the like, nor the steps."""
    label, _, rest = text.rpartition("@")
    symbol = rest
    for sign in "+-":
        head, found, count = symbol.rpartition(sign)
        if found and count.isdigit():
            symbol = head
    return [part for part in (label, symbol) if part and part not in ("head", "heads", "base")]
