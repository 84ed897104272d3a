"""Setting a project up, and making revisions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.config import hide_password
from oppmigrate.errors import MultipleHeads, WrongUsage
from oppmigrate.manager.project import ProjectManager

if TYPE_CHECKING:
    from oppmigrate.autogenerate.decisions import Decisions, Questioner
    from oppmigrate.revisions import Graph


class Making(ProjectManager):
    """`init`, `setup`, `create` and `merge`."""

    def init(self) -> results.InitResult:
        """Make `alembic.ini` and `alembic/`, wired to the project's models; never overwrites a file."""
        from oppmigrate.scaffold import plan_init, write_files

        plan = plan_init(self.settings)
        write_files(plan)
        return results.InitResult(
            self.settings.project,
            plan.adopted,
            plan.modules,
            tuple(each.path for each in plan.files),
            plan.kept,
            None if plan.adopted else hide_password(self.settings.database_url),
            plan.notes,
        )

    def setup(self, *, dry_run: bool = False) -> results.SetupResult:
        """Bring `alembic.ini`, `env.py` and the template to what `init` would write; a `.bak` stays beside each."""
        from oppmigrate.scaffold import plan_setup, write_files

        plan = plan_setup(self.settings)
        written = () if dry_run else write_files(plan)
        backups = {each.path: each.backup for each in written}
        changed = tuple(results.FileDiff(each.path, each.diff, backups.get(each.path)) for each in plan.files)
        return results.SetupResult(changed, plan.notes, dry_run)

    def create(
        self,
        message: str,
        *,
        empty: bool = False,
        data: bool = False,
        dry_run: bool = False,
        head: str | None = None,
        splice: bool = False,
        branch_label: str | None = None,
        depends_on: str | None = None,
        version_path: str | None = None,
        revision: str | None = None,
        renames: Iterable[str] = (),
        drops: Iterable[str] = (),
        defaults: Iterable[str] = (),
        down_defaults: Iterable[str] = (),
        value_renames: Iterable[str] = (),
        casts: Iterable[str] = (),
        questioner: Questioner | None = None,
        verify: bool = True,
    ) -> results.CreateResult:
        """Make a revision from the difference between the models and the migrations.

        Nothing that can lose data is guessed: a table or column that the models no longer have was renamed
        (`renames`) or is to go (`drops`); what neither says is put to `questioner`, or refused.

        Args:
            renames: `table.old:new` for a column, `old:new` for a table.
            drops: `table.column` or `table`, or `enum.value` of an enum.
            defaults: `table.column=value`, for the rows already there when a NOT NULL column arrives.
            down_defaults: the same for a NOT NULL column that a downgrade brings back.
            value_renames: `enum.old:new`, or `table.column.old:new`, for a value of an enum.
            casts: `table.column=SQL`, for the values of a column that gets another type.
            empty: make a revision with nothing in it; asks neither models nor database.
            data: make one to write a data step into, with `oppmigrate.data` at hand; asks neither, either.
            verify: run the revision up, down and up again on a throw-away database before it is kept.
            dry_run: return the text of the file and write nothing.
            head: the revision to build on, needed where there are several heads.
            splice, branch_label, depends_on, version_path, revision: as `alembic revision` has them.

        Raises:
            WrongUsage: answers for a revision that asks nothing, or one that is both `empty` and `data`.
        """
        from oppmigrate.autogenerate.decisions import Decisions, parse_defaults, parse_renames, parse_value_renames
        from oppmigrate.difference import draft_decided_revision, empty_draft
        from oppmigrate.planner import read_graph, refuse_missing
        from oppmigrate.proof import prove

        decisions = Decisions(
            parse_renames(renames),
            frozenset(drops),
            parse_defaults("--default", defaults),
            parse_defaults("--down-default", down_defaults),
            parse_value_renames(value_renames),
            parse_defaults("--cast", casts),
        )
        if empty or data:
            _refuse_answers(empty, data, decisions)
        environment = self._environment()
        options = {
            "splice": splice,
            "branch_label": branch_label,
            "depends_on": depends_on,
            "version_path": version_path,
            "revision": revision,
        }
        if empty or data:
            graph = read_graph(environment)
            draft = empty_draft(environment, message, head=self._parent(graph, head), **options)
            if data:
                draft.begin_data_step()
            with environment.explained():
                new, path, source = draft.write(dry_run=dry_run)
            return results.CreateResult(new, message, path, (), source, dry_run, "nothing")
        state = self._reachable_state(environment)
        refuse_missing(state)
        parent = self._parent(state.graph, head)
        draft, compared_with = draft_decided_revision(
            environment, state, message, decisions, questioner, head=parent, **options
        )
        if not draft.changes:
            return results.CreateResult(None, message, None, dry_run=dry_run, compared_with=compared_with)
        proofs: list[results.Proof] = []

        def prove_it(new: str, folder: Path) -> None:
            proofs.append(prove(environment, state, draft, new, folder))

        with environment.explained():
            new, path, source = draft.write(dry_run=dry_run, prove=prove_it if verify else None)
        proof = proofs[0] if proofs else None
        return results.CreateResult(new, message, path, draft.changes, source, dry_run, compared_with, proof)

    def merge(self, message: str, revisions: Iterable[str] = ()) -> results.MergeResult:
        """Make the revision that joins several heads (all of them where none are named)."""
        from oppmigrate.difference import empty_draft
        from oppmigrate.planner import read_graph

        environment = self._environment()
        graph = read_graph(environment)
        heads = tuple(graph.get(text).revision for text in revisions) or graph.heads
        if len(heads) < 2:
            raise WrongUsage("there is one head, so there is nothing to merge", do="python oppman.py migrate heads")
        with environment.explained():
            new, path, _source = empty_draft(environment, message, head=heads).write()
        return results.MergeResult(new, path, heads)

    def _parent(self, graph: Graph, head: str | None) -> str:
        if head is not None:
            if head not in ("head", "heads", "base"):
                graph.get(head)  # raises where there is no such revision, with the nearest names
            return head
        if len(graph.heads) > 1:
            named = ", ".join(f"`{head}` ({graph.revisions[head].message})" for head in graph.heads)
            raise MultipleHeads(
                f"there are {len(graph.heads)} heads: {named}",
                why="a new revision is built on one",
                do='join them: python oppman.py migrate merge "Merge heads"\n'
                f"       or build on one of them: --head {graph.heads[0]}",
                heads=list(graph.heads),
            )
        return "head"


def _refuse_answers(empty: bool, data: bool, decisions: Decisions) -> None:
    """Raise WrongUsage for what a revision that is written by hand does not take."""
    if empty and data:
        raise WrongUsage("--empty and --data are two kinds of revisions", do="give one of them")
    given = {
        "--rename": decisions.renames,
        "--rename-value": decisions.value_renames,
        "--drop": decisions.drops,
        "--default": decisions.defaults,
        "--down-default": decisions.down_defaults,
        "--cast": decisions.casts,
    }
    for flag, answers in given.items():
        if answers:
            kind = "--data" if data else "--empty"
            raise WrongUsage(
                f"{kind} takes no {flag}",
                why="the models are not compared with anything for a revision that is written by hand",
                do=f"leave {kind} out to write down what changed in the models, or leave {flag} out",
            )
