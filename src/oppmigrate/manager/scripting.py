"""Plans as SQL scripts, for people whose databases are changed by others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.errors import WrongUsage
from oppmigrate.manager.project import ProjectManager

if TYPE_CHECKING:
    from oppmigrate.planner import State
    from oppmigrate.revisions import Graph


class Scripting(ProjectManager):
    """`upgrade --sql` and `downgrade --sql`."""

    def script(self, direction: results.Direction, target: str, *, dialect: str | None = None) -> results.Script:
        """What `upgrade` or `downgrade` would run, as a script for the server's own client.

        Args:
            target: as theirs, from where the database stands; or FROM:TO, for which no database is asked.
            dialect: `sqlite`, `postgresql`, `mysql` or `mariadb`: neither a database nor a driver is needed. An upgrade
                then starts at the base unless `target` says FROM.
        """
        from oppmigrate import planner
        from oppmigrate.databases import database_of_kind

        environment = self._environment()
        start, colon, end = target.strip().partition(":")
        if dialect is not None:
            environment.offline_database = database_of_kind(dialect)
            if direction == "downgrade" and not colon:
                raise WrongUsage(
                    "a downgrade without a database does not know where it starts",
                    do=f"python oppman.py migrate downgrade FROM:{target} --sql --dialect {dialect}",
                )
        if dialect is None and not colon:
            state, end = self._state(environment), target
        else:
            state = planner.state_without_database(environment)
            state = _standing_at(state, start) if colon else state
            end = (end or ("heads" if direction == "upgrade" else "base")) if colon else target
        plan = (planner.plan_upgrade if direction == "upgrade" else planner.plan_downgrade)(state, end)
        return planner.write_script(environment, state, plan)


def _standing_at(state: State, start: str) -> State:
    """The state of a database that stands at a revision, said by its name."""
    from dataclasses import replace

    return replace(state, heads=_heads_named(state.graph, start.strip()))


def _heads_named(graph: Graph, text: str) -> tuple[str, ...]:
    if text in ("", "base"):
        return ()
    return graph.effective_heads if text == "heads" else (graph.get(text).revision,)
