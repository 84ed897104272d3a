"""Graph + recorded heads + target -> one frozen `Plan`, which everything that shows or runs revisions reads."""

from oppmigrate.planner.backup_need import backup_need
from oppmigrate.planner.details import details_of, with_details
from oppmigrate.planner.paths import heads_after, plan_downgrade, plan_upgrade, step_of
from oppmigrate.planner.recording import recorded_operations
from oppmigrate.planner.running import TriedStep, noted_step, revision_step, run_in_scratch
from oppmigrate.planner.scripts import write_script
from oppmigrate.planner.state import (
    State,
    common_heads,
    locate_database,
    read_graph,
    read_state,
    refuse_missing,
    state_without_database,
)
from oppmigrate.planner.structure import Beginning, beginning_at_heads
from oppmigrate.planner.survey import Assessment, assess, record_or_doubt

__all__ = [
    "Assessment",
    "Beginning",
    "State",
    "TriedStep",
    "assess",
    "backup_need",
    "beginning_at_heads",
    "common_heads",
    "details_of",
    "heads_after",
    "locate_database",
    "noted_step",
    "plan_downgrade",
    "plan_upgrade",
    "read_graph",
    "read_state",
    "record_or_doubt",
    "recorded_operations",
    "refuse_missing",
    "revision_step",
    "run_in_scratch",
    "state_without_database",
    "step_of",
    "with_details",
    "write_script",
]
