"""What `init` and `setup` write: the models found, the files planned, the files written."""

from oppmigrate.scaffold.discovery import discover_models
from oppmigrate.scaffold.init import plan_init
from oppmigrate.scaffold.metadata import LoadedMetadata, load_models
from oppmigrate.scaffold.plans import InitPlan, PlannedFile, SetupPlan, WrittenFile
from oppmigrate.scaffold.setup import plan_setup
from oppmigrate.scaffold.writing import write_files

__all__ = [
    "InitPlan",
    "LoadedMetadata",
    "PlannedFile",
    "SetupPlan",
    "WrittenFile",
    "discover_models",
    "load_models",
    "plan_init",
    "plan_setup",
    "write_files",
]
