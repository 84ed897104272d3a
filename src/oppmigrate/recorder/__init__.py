"""What a database says of itself: the heads in Alembic's version table, and the journal of what was run."""

from oppmigrate.recorder.heads import read_heads
from oppmigrate.recorder.journal import Journal, JournalEntry, digest_of

__all__ = ["Journal", "JournalEntry", "digest_of", "read_heads"]
