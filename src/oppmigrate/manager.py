"""`MigrationManager`: a method for each command. It returns results, and never prints, prompts or exits."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oppmigrate import results
from oppmigrate.config import Settings, hide_password, load_settings
from oppmigrate.errors import (
    BackupUnreadable,
    DatabaseError,
    EnvironmentFailed,
    ModelsBroken,
    MultipleHeads,
    NotADatabase,
    NotInitialised,
    RevisionFileMissing,
    WrongUsage,
)

if TYPE_CHECKING:
    from oppmigrate.autogenerate.decisions import Questioner
    from oppmigrate.databases import Database
    from oppmigrate.environment.session import Environment
    from oppmigrate.executor import Progress
    from oppmigrate.planner import State
    from oppmigrate.revisions import Graph, RevisionFile

# seconds that a run waits for another one to finish
LOCK_TIMEOUT_S = 60.0


class MigrationManager:
    """The migrations of one project.

    Every method raises a subclass of `MigrateError` for what a user can cause, and changes nothing then unless
    the error says so. Safe to call inside a running event loop.

    Args:
        settings: a project's settings, or the project's folder.
        verbose: leave Alembic's own log messages on.
    """

    def __init__(self, settings: Settings | Path | str, *, verbose: bool = False) -> None:
        self.settings = settings if isinstance(settings, Settings) else load_settings(Path(settings))
        self._verbose = verbose

    # ---- setting up

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

    # ---- making revisions

    def create(
        self,
        message: str,
        *,
        empty: bool = False,
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
        questioner: Questioner | None = None,
    ) -> results.CreateResult:
        """Make a revision from the difference between the models and the migrations.

        Nothing that can lose data is guessed: a table or column that the models no longer have was renamed
        (`renames`) or is to go (`drops`); what neither says is put to `questioner`, or refused.

        Args:
            renames: `table.old:new` for a column, `old:new` for a table.
            drops: `table.column` or `table`.
            defaults: `table.column=value`, for the rows already there when a NOT NULL column arrives.
            down_defaults: the same for a NOT NULL column that a downgrade brings back.
            empty: make a revision with nothing in it; asks neither models nor database.
            dry_run: return the text of the file and write nothing.
            head: the revision to build on, needed where there are several heads.
            splice, branch_label, depends_on, version_path, revision: as `alembic revision` has them.
        """
        from oppmigrate.autogenerate.decisions import Decisions, parse_defaults, parse_renames
        from oppmigrate.difference import draft_decided_revision, empty_draft
        from oppmigrate.planner import read_graph, refuse_missing

        decisions = Decisions(
            parse_renames(renames),
            frozenset(drops),
            parse_defaults("--default", defaults),
            parse_defaults("--down-default", down_defaults),
        )
        environment = self._environment()
        options = {
            "splice": splice,
            "branch_label": branch_label,
            "depends_on": depends_on,
            "version_path": version_path,
            "revision": revision,
        }
        if empty:
            graph = read_graph(environment)
            draft = empty_draft(environment, message, head=self._parent(graph, head), **options)
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
        with environment.explained():
            new, path, source = draft.write(dry_run=dry_run)
        return results.CreateResult(new, message, path, draft.changes, source, dry_run, compared_with)

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

    # ---- applying them

    def plan_upgrade(self, target: str = "heads", *, details: bool = True) -> results.Plan:
        """What `upgrade` would do; with `details`, each step's operations in words and its SQL."""
        return self._planned("upgrade", target, details)

    def plan_downgrade(self, target: str, *, details: bool = True) -> results.Plan:
        """What `downgrade` would do."""
        return self._planned("downgrade", target, details)

    def upgrade(
        self,
        target: str = "heads",
        *,
        backup: bool = False,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        progress: Progress | None = None,
    ) -> results.ApplyResult:
        """Run the pending revisions up to `target`: an id, a prefix, `heads`, `+N`, `label@head`."""
        return self._apply("upgrade", target, backup, lock_timeout_s, progress)

    def downgrade(
        self,
        target: str,
        *,
        backup: bool = False,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        progress: Progress | None = None,
    ) -> results.ApplyResult:
        """Undo revisions back to `target`: an id, a prefix, `-N`, `base`."""
        return self._apply("downgrade", target, backup, lock_timeout_s, progress)

    def stamp(self, target: str, *, purge: bool = False, lock_timeout_s: float = LOCK_TIMEOUT_S) -> results.StampResult:
        """Record `target` as applied, running nothing. `purge` forgets what was recorded before."""
        from oppmigrate import executor
        from oppmigrate.planner import refuse_missing

        environment = self._environment(lock_timeout_s)
        state = self._state(environment)
        if not purge:
            refuse_missing(state)
        state.graph.stamp_target(target, () if purge else state.heads)
        return executor.stamp(environment, state, target, purge=purge, lock_timeout_s=lock_timeout_s)

    # ---- looking

    def current(self) -> results.CurrentResult:
        """Where the database stands, and what is pending."""
        state = self._state(self._environment())
        graph = state.graph
        here = tuple(graph.revisions[head] for head in state.heads if head in graph.revisions)
        pending = tuple(file.revision for file in graph.pending(_known(state)))
        return results.CurrentResult(
            ", ".join(each.safe_url for each in state.databases or (state.database,)),
            state.exists,
            self._infos(graph, here, state.heads),
            graph.missing(state.heads),
            pending,
        )

    def history(self, range_: str | None = None) -> results.HistoryResult:
        """Every revision, or those in a range `a:b`, newest first; works without a database too."""
        state, note = self._state_if_reachable(self._environment())
        files = state.graph.history(range_, current=state.heads)
        infos = self._infos(state.graph, files, None if note else state.heads)
        return results.HistoryResult(infos, note)

    def drawing(self) -> tuple[tuple[str, str | None], ...]:
        """The graph drawn for a terminal, newest first: (columns, the revision on this line or None)."""
        from oppmigrate.planner import read_graph
        from oppmigrate.revisions import draw_graph

        drawn = draw_graph(read_graph(self._environment()))
        return tuple((columns, file.revision if file else None) for columns, file in drawn)

    def heads(self) -> results.HistoryResult:
        """The newest revision of each branch."""
        state, note = self._state_if_reachable(self._environment())
        files = tuple(state.graph.revisions[head] for head in state.graph.heads)
        return results.HistoryResult(self._infos(state.graph, files, None if note else state.heads), note)

    def show(self, revision: str = "head") -> results.ShowResult:
        """One revision in full: what it does, both ways, in words and as SQL for this database."""
        from oppmigrate.planner import details_of

        environment = self._environment()
        state, note = self._state_if_reachable(environment)
        file = state.graph.get(revision, state.heads)
        upgrade, downgrade = details_of(environment, state, file)
        (info,) = self._infos(state.graph, (file,), None if note else state.heads)
        return results.ShowResult(info, upgrade, downgrade)

    def check(self, *, pending_only: bool = False) -> results.CheckResult:
        """Is the database at the heads, and do the models agree with the migrations?

        Args:
            pending_only: look at files and database only; neither models nor schema are read.
        """
        from oppmigrate.difference import draft_revision

        environment = self._environment()
        state = self._state(environment)
        graph, missing = state.graph, state.graph.missing(state.heads)
        pending = self._infos(graph, graph.pending(_known(state)), state.heads)
        if pending_only or missing:
            return results.CheckResult(pending, missing, (), False)
        draft, _compared_with = draft_revision(environment, state, "check")
        return results.CheckResult(pending, missing, draft.changes, True)

    # ---- backups

    def backup(self, output: Path | None = None) -> results.BackupInfo:
        """Save the database to `output`, by default to `backups/`, named after time and revision; verified."""
        from oppmigrate.backups import backup_path

        database = self._database()
        database.probe()  # says what is to be done where there is none
        now = datetime.datetime.now(datetime.UTC)
        revision = "+".join(self._heads(database)) or "base"
        folder = self.settings.backup_directory
        target = output or backup_path(folder, database.label, revision, database.backup_suffix, now)
        database.backup(target)
        return results.BackupInfo(target, target.stat().st_size, now, revision)

    def backups(self) -> tuple[results.BackupInfo, ...]:
        """The backups of this database, newest first."""
        from oppmigrate.backups import list_backups

        label = self._database().label
        return tuple(_backup_info(each) for each in list_backups(self.settings.backup_directory, label))

    def find_backup(self, text: str | None = None) -> results.BackupInfo:
        """A backup by its path, its name or the beginning of that; the newest by default."""
        from oppmigrate.backups import find_backup

        return _backup_info(find_backup(self.settings.backup_directory, self._database().label, text))

    def restore(self, backup: str | None = None) -> results.RestoreResult:
        """Put a backup (by default the newest) in the place of the database, which is backed up first.

        A damaged database, which cannot be, is no reason to be left with it: it is kept aside as it is.
        """
        from oppmigrate import executor

        found = self.find_backup(backup)
        database = self._database()
        database.verify_backup(found.path)
        saved, note = None, None
        try:
            saved = self.backup().path if database.exists() else None
        except (NotADatabase, BackupUnreadable) as error:
            if not database.keeps_damaged:
                raise
            note = f"the database could not be backed up ({error.what}); it is kept beside the new one, renamed"
        executor.restore(database, found.path)
        return results.RestoreResult(found.path, saved, note)

    def delete(self, *, backup: bool = True) -> results.DeleteResult:
        """Remove the database's contents (SQLite: its file), backed up first unless `backup` is False."""
        from oppmigrate import executor

        database = self._database()
        if not database.exists():
            return results.DeleteResult((), None)
        saved = self.backup().path if backup else None
        return results.DeleteResult(executor.delete(database), saved)

    def database_name(self) -> str:
        """The database's address, fit to be shown."""
        return self._database().safe_url

    # ---- parts

    def _environment(self, lock_timeout_s: float | None = None) -> Environment:
        from oppmigrate.environment.session import Environment

        environment = Environment(self.settings, verbose=self._verbose)
        environment.lock_timeout_s = lock_timeout_s
        return environment

    def _state(self, environment: Environment) -> State:
        from oppmigrate.planner import read_state

        state: State = read_state(environment)
        return state

    def _reachable_state(self, environment: Environment) -> State:
        """The state for `create`, which does without the project's database where that cannot be reached."""
        from oppmigrate.planner import state_without_database

        try:
            return self._state(environment)
        except DatabaseError:
            state = state_without_database(environment)
            if not state.database.backends:
                raise  # not even its kind is known
            return state

    def _parent(self, graph: Graph, head: str | None) -> str:
        if head is not None:
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

    def _planned(self, direction: results.Direction, target: str, details: bool) -> results.Plan:
        from oppmigrate import planner

        environment = self._environment()
        state = self._state(environment)
        make = planner.plan_upgrade if direction == "upgrade" else planner.plan_downgrade
        plan = make(state, target)
        return planner.with_details(environment, state, plan) if details and plan.steps else plan

    def _apply(
        self,
        direction: results.Direction,
        target: str,
        backup: bool,
        lock_timeout_s: float,
        progress: Progress | None,
    ) -> results.ApplyResult:
        from oppmigrate import executor, planner

        environment = self._environment(lock_timeout_s)
        state = self._state(environment)
        make = planner.plan_upgrade if direction == "upgrade" else planner.plan_downgrade
        plan = make(state, target)
        if not plan.steps:
            return results.ApplyResult(plan, state.heads, 0.0)
        saved = self.backup().path if backup and state.exists else None
        result = executor.apply(environment, state, plan, lock_timeout_s=lock_timeout_s, progress=progress)
        return replace(result, backup=saved)

    def _state_if_reachable(self, environment: Environment) -> tuple[State, str | None]:
        """The state; where the database cannot be asked, the files' side of it and the reason."""
        from oppmigrate.planner import refuse_missing, state_without_database

        try:
            state = self._state(environment)
        except (DatabaseError, EnvironmentFailed, ModelsBroken) as error:
            return state_without_database(environment), error.what
        try:
            refuse_missing(state)
        except RevisionFileMissing as error:
            return state, error.what
        return state, None

    def _infos(
        self, graph: Graph, files: Iterable[RevisionFile], heads: Collection[str] | None
    ) -> tuple[results.RevisionInfo, ...]:
        applied = graph.applied(heads or ())
        tips = set(graph.heads)

        def status(revision: str) -> results.Status:
            if heads is None:
                return "unknown"
            return "current" if revision in heads else "applied" if revision in applied else "pending"

        return tuple(
            results.RevisionInfo(
                file.revision,
                file.message,
                file.created,
                status(file.revision),
                file.revision in tips,
                file.down_revisions,
                file.branch_labels,
                file.depends_on,
                file.path,
                file.docstring,
            )
            for file in files
        )

    def _database(self) -> Database:
        """The project's database: as an adopted `env.py` decides it, else as the settings do."""
        from oppmigrate.environment.session import open_configured
        from oppmigrate.planner import locate_database

        try:
            environment = self._environment()
        except NotInitialised:
            return open_configured(self.settings)
        return locate_database(environment)

    def _heads(self, database: Database) -> tuple[str, ...]:
        """The recorded heads of the project's database, wherever it keeps them."""
        from oppmigrate.recorder import read_heads

        try:
            environment = self._environment()
            if not environment.is_ours or environment.sets_version_table:
                return self._state(environment).heads
        except NotInitialised:
            pass
        return database.run(read_heads)


def _known(state: State) -> tuple[str, ...]:
    """The recorded heads that files define."""
    return tuple(head for head in state.heads if head in state.graph.revisions)


def _backup_info(backup: Any) -> results.BackupInfo:
    return results.BackupInfo(backup.path, backup.size_bytes, backup.created, backup.revision)
