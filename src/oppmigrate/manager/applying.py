"""Running revisions, and recording them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.manager.project import LOCK_TIMEOUT_S
from oppmigrate.manager.saving import Saving

if TYPE_CHECKING:
    from oppmigrate.executor import Progress


class Applying(Saving):
    """`upgrade`, `downgrade` and `stamp`, with the plans of the first two."""

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
        policy = replace(self.settings.policy, lock_timeout_s=lock_timeout_s)
        return executor.stamp(environment, state, target, policy, purge=purge)

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
        if not plan.steps and state.half_done is None:
            return results.ApplyResult(plan, state.heads, 0.0)
        saved = self.backup().path if backup and state.exists else None
        policy = replace(self.settings.policy, lock_timeout_s=lock_timeout_s)
        result = executor.apply(environment, state, plan, policy, progress=progress)
        return replace(result, backup=saved)
