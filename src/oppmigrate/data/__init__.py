"""For revisions that change rows: the tables as they are at the revision, and a way through large ones in batches."""

from oppmigrate.data.batching import Batch, batches
from oppmigrate.data.reading import Tables, tables

__all__ = ["Batch", "Tables", "batches", "tables"]
