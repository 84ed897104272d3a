"""The database of an address, as the project's policy has it waited for and limited."""

from oppmigrate.config import Policy
from oppmigrate.databases import Database, open_database


def open_by_policy(url: str, policy: Policy) -> Database:
    """As `open_database`, with the policy's limits on what a statement may wait and take, and what it forbids."""
    database = open_database(url)
    database.table_lock_timeout_s = database.patience_s = policy.table_lock_timeout_s
    database.statement_timeout_s = policy.statement_timeout_s
    database.edits_schema = database.edits_schema and policy.sqlite_schema_edit
    return database
