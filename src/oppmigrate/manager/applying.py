"""Running revisions, and recording them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.errors import WrongUsage
from oppmigrate.manager.saving import Saving

if TYPE_CHECKING:
    from oppmigrate.config import Policy
    from oppmigrate.executor import Progress, Story


class Applying(Saving):
    """`upgrade`, `downgrade` and `stamp`, with the plans of the first two."""

    def plan_upgrade(self, target: str = "heads", *, details: bool = True, backup: bool | None = None) -> results.Plan:
        """What `upgrade` would do; with `details`, all that can be known of each step beforehand.

        Args:
            backup: take one, or take none, whatever the policy says.
        """
        return self._planned("upgrade", target, details, backup)

    def plan_downgrade(
        self, target: str, *, details: bool = True, backup: bool | None = None, from_journal: bool = False
    ) -> results.Plan:
        """What `downgrade` would do; the arguments are those of `plan_upgrade` and `downgrade`."""
        with self._files_from_journal(from_journal):
            return self._planned("downgrade", target, details, backup)

    def upgrade(
        self,
        target: str = "heads",
        *,
        backup: bool | None = None,
        lock_timeout_s: float | None = None,
        progress: Progress | None = None,
        tell: Story | None = None,
        drops_leftovers: bool = False,
    ) -> results.ApplyResult:
        """Run the pending revisions up to `target`: an id, a prefix, `heads`, `+N`, `label@head`.

        Args:
            backup: take one first, or none; by default where the settings say that one is due.
            lock_timeout_s: how long to wait for another run, and for locks on tables; by default as the settings say.
            progress: told of each step as it begins and ends.
            tell: told, in words, of what is waited for and done beside the steps.
            drops_leftovers: drop the half-made tables that a crash of the stock `alembic` has left on SQLite.
        """
        return self._apply("upgrade", target, backup, lock_timeout_s, progress, tell, drops_leftovers)

    def downgrade(
        self,
        target: str,
        *,
        backup: bool | None = None,
        lock_timeout_s: float | None = None,
        progress: Progress | None = None,
        tell: Story | None = None,
        drops_leftovers: bool = False,
        from_journal: bool = False,
    ) -> results.ApplyResult:
        """Undo revisions back to `target`: an id, a prefix, `-N`, `base`. The arguments are those of `upgrade`.

        Args:
            from_journal: undo revisions whose files are gone too, by the files that the journal holds.
        """
        with self._files_from_journal(from_journal):
            return self._apply("downgrade", target, backup, lock_timeout_s, progress, tell, drops_leftovers)

    def stamp(
        self,
        target: str,
        *,
        purge: bool = False,
        lock_timeout_s: float | None = None,
        tell: Story | None = None,
    ) -> results.StampResult:
        """Record `target` as applied, running nothing. `purge` forgets what was recorded before."""
        from oppmigrate import executor
        from oppmigrate.planner import refuse_missing

        policy = self._policy(lock_timeout_s)
        environment = self._environment(policy.lock_timeout_s)
        state = self._state(environment)
        if not purge:
            refuse_missing(state)
        state.graph.stamp_target(target, () if purge else state.heads)
        return executor.stamp(environment, state, target, policy, purge=purge, tell=tell)

    def accept_edits(self, revision: str | None = None, *, lock_timeout_s: float | None = None) -> results.StampResult:
        """Let edited files stand for what was applied, all of them or that of one revision; runs nothing.

        Raises:
            WrongUsage: the revision is none whose file was edited after it was applied.
        """
        from oppmigrate import executor

        policy = self._policy(lock_timeout_s)
        environment = self._environment(policy.lock_timeout_s)
        state = self._state(environment)
        edited = self._edited(environment, state)
        if revision is not None:
            file = state.graph.get(revision, state.heads)
            edited = tuple(each for each in edited if each.revision == file.revision)
            if not edited:
                raise WrongUsage(
                    f"revision {file.revision} was not edited after it was applied",
                    why="the journal holds the same, or nothing of it",
                    do="python oppman.py migrate check",
                )
        if edited:
            executor.accept_edits(environment, state.graph, edited, policy)
        return results.StampResult(state.heads, state.heads, tuple(each.revision for each in edited))

    def _planned(self, direction: results.Direction, target: str, details: bool, backup: bool | None) -> results.Plan:
        from oppmigrate import planner

        environment = self._environment()
        state = self._state(environment)
        make = planner.plan_upgrade if direction == "upgrade" else planner.plan_downgrade
        plan = make(state, target)
        return planner.with_details(environment, state, plan, backup=backup) if details and plan.steps else plan

    def _apply(
        self,
        direction: results.Direction,
        target: str,
        backup: bool | None,
        lock_timeout_s: float | None,
        progress: Progress | None,
        tell: Story | None,
        drops_leftovers: bool,
    ) -> results.ApplyResult:
        from oppmigrate import executor, planner
        from oppmigrate.precautions import decide_backup, take_backup

        policy = self._policy(lock_timeout_s)
        environment = self._environment(policy.lock_timeout_s)
        state = self._state(environment)
        make = planner.plan_upgrade if direction == "upgrade" else planner.plan_downgrade
        plan = make(state, target)
        has_work = bool(plan.steps) or state.half_done is not None
        # to ask the journal of an adopted project is another run of its env.py
        edited = self._edited(environment, state) if has_work or environment.is_ours else ()
        if not has_work:
            return results.ApplyResult(plan, state.heads, 0.0, edited=edited)
        need = decide_backup(environment, state, plan, policy, backup)

        def save(under_lock: results.Plan) -> Path | None:
            decision = take_backup(self.settings, state, need, under_lock.start)
            if tell and decision.path:
                tell(f"saved    {self.settings.shown(decision.path)} (the database as it stands now)")
            if tell and decision.note:
                tell(decision.note)
            return decision.path

        done = executor.apply(
            environment,
            state,
            plan,
            policy,
            progress=progress,
            tell=tell,
            before=save,
            drops_leftovers=drops_leftovers,
        )
        return replace(done, edited=edited)

    def _policy(self, lock_timeout_s: float | None) -> Policy:
        """The settings' policy, with how long the caller wants to wait."""
        policy = self.settings.policy
        return policy if lock_timeout_s is None else replace(policy, lock_timeout_s=lock_timeout_s)
