"""Names of revisions, and the ways between them, as Alembic resolves them.

Alembic's own RevisionMap answers; what is added is written out in Alembic's terms first: unique prefixes of ids of
fewer than four characters, and steps from an id that holds a dot (`v3.2.0.a+1`), which Alembic takes for a name.
Importing this module imports all of Alembic (0.35 s), so it is imported when the first name is to be resolved.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from alembic.script.revision import Revision, RevisionMap
from alembic.script.revision import RevisionError as AlembicRevisionError

from oppmigrate.errors import RevisionError
from oppmigrate.revisions.reading import RevisionFile
from oppmigrate.revisions.refusals import Refusals

# it leaves some names that mean nothing to an assertion, or to a look-up that fails
_ALEMBIC_ERRORS = (AlembicRevisionError, AssertionError, LookupError, TypeError, AttributeError)

_SYMBOLS = frozenset({"head", "heads", "base", ""})
_STEPS = re.compile(r"(.*?)([+-][0-9]+)", re.DOTALL)
# what Alembic takes for a step; it looks at the beginning of the text only, and would read `ab12-1x` as `ab12-1`
_ALEMBIC_STEPS = re.compile(r"(?:(.+?)@)?(\w+)?([+-]\d+)")


class Resolver:
    """Answers by id; `Graph` turns ids into files and keeps what needs no Alembic."""

    def __init__(self, revisions: Mapping[str, RevisionFile], labels: Mapping[str, str]) -> None:
        self._revisions = revisions
        self._names = {**dict.fromkeys(revisions), **dict.fromkeys(labels)}
        self._map = RevisionMap(lambda: [_alembic_revision(file) for file in revisions.values()])
        self.refusals = Refusals(revisions, labels, self._map.heads)

    # ---- ways

    def upgrade(self, target: str, current: Collection[str]) -> list[str]:
        """What runs to come from `current` to `target`, in order of running."""
        self.refusals.check_recorded(current)
        if re.fullmatch("base-[0-9]+", target):
            # Alembic finds nothing there, and takes nothing for the heads
            raise self.refusals.too_far(target, None, 0)
        way = self._ask(
            "upgrade",
            target,
            current,
            lambda: self._map.iterate_revisions(self._rewrite(target), tuple(current), implicit_base=True),
        )
        return way[::-1]

    def downgrade(self, target: str, current: Collection[str]) -> list[str]:
        """What runs to come back from `current` to `target`, in order of running."""
        self.refusals.check_recorded(current)
        if re.fullmatch("-[0-9]+", target) and len(set(current)) > 1:
            # Alembic takes whichever row the database gives first, warns, and announces that it will refuse
            raise self.refusals.several_recorded(target, current)
        return self._ask(
            "downgrade",
            target,
            current,
            lambda: self._map.iterate_revisions(tuple(current), self._rewrite(target), select_for_downgrade=True),
        )

    def between(self, start: str | tuple[str, ...], end: str | tuple[str, ...], text: str) -> list[str]:
        """The ids from `end` down to `start`, with both; `text` is the range as it was typed."""
        return self._ask(
            "history -r",
            text,
            (),
            lambda: self._map.iterate_revisions(
                end if isinstance(end, tuple) else self._rewrite(end),
                start if isinstance(start, tuple) else self._rewrite(start),
                inclusive=True,
                assert_relative_length=False,
            ),
        )

    def several(self, target: str | tuple[str, ...]) -> list[str]:
        """The ids that `target` means; none for the base."""
        if isinstance(target, tuple):
            return list(target)
        return self._ask("history -r", target, (), lambda: self._map.get_revisions(self._rewrite(target)))

    def destinations(self, target: str, current: Collection[str]) -> tuple[list[str], list[str]]:
        """The ids that `stamp target` means (none for a base), and those of `current` that lie on its line."""
        self.refusals.check_recorded(current)
        if self.has_steps(target):
            raise self.refusals.no_step(target)
        ids = self._ask("stamp", target, current, lambda: self._map.get_revisions(self._rewrite(target)))
        return ids, self._ask("stamp", target, current, lambda: self._on_line_of(self._rewrite(target), current))

    # ---- one revision

    def has_steps(self, text: str) -> bool:
        """Whether `text` counts from somewhere: `-1`, `ab12+2`."""
        return bool(self._parse(text)[2])

    def one(self, text: str, current: Collection[str] | None, *, clip: bool = False) -> str | None:
        """The id that `text` means, None for the base. A step from nothing starts at `current`, or at the head.

        With `clip`, steps that lead past the end stop there.
        """
        label, symbol, steps = self._parse(text)
        if not steps:
            ids = self._ask("show", text, (), lambda: [self._map.get_revision(self._rewrite(text))])
            return ids[0] if ids else None
        start = self._start(label, symbol, steps, current, text)
        return self._walk(start, int(steps), label, text, clip)

    def _start(self, label: str, symbol: str, steps: str, current: Collection[str] | None, text: str) -> str | None:
        if symbol:
            return self.one(f"{label}@{symbol}" if label else symbol, None)
        if current is None and steps[0] == "-":
            return self.one(f"{label}@head" if label else "head", None)
        self.refusals.check_recorded(current or ())
        ids = list(dict.fromkeys(current or ()))
        if label:
            ids = self._ask("show", text, ids, lambda: self._on_line_of(label, ids))
        if len(ids) > 1:
            raise self.refusals.several_recorded(text, ids)
        return ids[0] if ids else None

    def _walk(self, start: str | None, steps: int, label: str, text: str, clip: bool) -> str | None:
        here = start
        for done in range(abs(steps)):
            further: Sequence[str | None]
            further = self._above(here, label, text) if steps > 0 else self._below(here)
            if not further and clip:
                return here
            if not further:
                raise self.refusals.too_far(text, start, done)
            if len(further) > 1:
                raise self.refusals.forked(text, here, further)
            here = further[0]
        return here

    def _above(self, here: str | None, label: str, text: str) -> list[str]:
        def children() -> Iterable[Revision | str | None]:
            ids = self._map.bases if here is None else tuple(sorted(self._alembic(here).nextrev))
            return self._map.filter_for_lineage(self._map.get_revisions(ids), label or None)

        return self._ask("show", text, (), children)

    def _below(self, here: str | None) -> list[str | None]:
        """The parents; a first revision has the base below it, and the base nothing."""
        return [] if here is None else [*self._revisions[here].down_revisions] or [None]

    # ---- asking Alembic

    def _ask(
        self,
        command: str,
        text: str,
        current: Collection[str],
        question: Callable[[], Iterable[Revision | str | None]],
    ) -> list[str]:
        if not text.strip():
            raise self.refusals.empty(command)
        try:
            answer = list(question())
        except _ALEMBIC_ERRORS as error:
            raise self._explain(error, command, text, current) from error
        return [revision.revision for revision in answer if isinstance(revision, Revision)]

    def _explain(self, error: Exception, command: str, text: str, current: Collection[str]) -> RevisionError:
        _, symbol, steps = self._parse(text)
        if steps and not symbol and (steps[0] == "-") == (command == "upgrade"):
            return self.refusals.wrong_way(text, command)
        # one() itself asks as "show"
        if steps and command != "show":
            try:
                # walking it step by step says where it ends or divides
                self.one(text, current)
            except RevisionError as precise:
                return precise
        return self.refusals.explain(error, command, text, current)

    def _on_line_of(self, text: str, current: Collection[str]) -> Iterable[Revision | str | None]:
        recorded = self._map.get_revisions(tuple(current))
        return self._map.filter_for_lineage(recorded, text, include_dependencies=True)

    def _alembic(self, id_: str) -> Revision:
        revision = self._map.get_revision(id_)
        assert revision is not None
        return revision

    # ---- what is added to Alembic's names

    def _parse(self, text: str) -> tuple[str, str, str]:
        label, _, rest = text.rpartition("@")
        match = _STEPS.fullmatch(rest)
        if match is None or (rest in self._names and not _ALEMBIC_STEPS.fullmatch(rest)):
            return label, rest, ""
        return label, match.group(1), match.group(2)

    def _rewrite(self, text: str) -> str:
        """`text` as Alembic understands it."""
        label, symbol, steps = self._parse(text)
        symbol = self._expand(symbol)
        if steps and symbol and not re.fullmatch(r"\w+", symbol):
            symbol, steps = self._walk(self.one(symbol, None), int(steps), label, text, clip=False) or "base", ""
        rewritten = f"{label}@{symbol}{steps}" if "@" in text else symbol + steps
        if not steps and _ALEMBIC_STEPS.match(rewritten):
            raise self.refusals.unknown(text)
        return rewritten

    def _expand(self, symbol: str) -> str:
        """A unique prefix of an id that is too short for Alembic to look for; else `symbol` itself."""
        if symbol in _SYMBOLS or symbol in self._names or self.refusals.starting_with(symbol):
            return symbol
        short = [id_ for id_ in self._revisions if id_.startswith(symbol)]
        if len(short) > 1:
            raise self.refusals.ambiguous(symbol, short)
        return short[0] if short else symbol


def _alembic_revision(file: RevisionFile) -> Revision:
    return Revision(
        file.revision,
        file.down_revisions or None,
        dependencies=file.depends_on or None,
        branch_labels=file.branch_labels or None,
    )
