"""What the journals of a project's databases tell of its revision files: when run, edited since, deleted since."""

from oppmigrate.journals.edits import edited_revisions
from oppmigrate.journals.reading import ask_journals, list_runs
from oppmigrate.journals.stored import find_stored, restored_files, stored_among

__all__ = [
    "ask_journals",
    "edited_revisions",
    "find_stored",
    "list_runs",
    "restored_files",
    "stored_among",
]
