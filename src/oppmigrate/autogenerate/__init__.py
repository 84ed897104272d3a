"""From models and a database to the operations of a revision, in words and as a file."""

from oppmigrate.autogenerate import rename_table as rename_table  # registers how a rename is written
from oppmigrate.autogenerate.drafting import Draft
from oppmigrate.autogenerate.words import describe, describe_all

__all__ = ["Draft", "describe", "describe_all"]
