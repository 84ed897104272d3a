"""What a comparison has found, in an order in which a server can do it; for `create` and for the stock command."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from oppmigrate.autogenerate.enum_lists import arrange_lists
from oppmigrate.autogenerate.enums import arrange_enums
from oppmigrate.autogenerate.foreign_keys import arrange_foreign_keys
from oppmigrate.autogenerate.identities import settle_identities
from oppmigrate.autogenerate.json_columns import say_json
from oppmigrate.autogenerate.numbering import count_no_more
from oppmigrate.autogenerate.primary_keys import replaced_keys
from oppmigrate.autogenerate.retyping import retype
from oppmigrate.autogenerate.stored_computed import bring_back_computed
from oppmigrate.autogenerate.table_options import arrange_options
from oppmigrate.autogenerate.waiting import bring_back_constraints
from oppmigrate.databases import Database


def arrange(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Bring the upgrade's operations into such an order, in place; each can be reversed, so the downgrade follows."""
    arrange_lists(container, context)
    say_json(container, context, database)
    retyped = retype(container, context, database)
    settle_identities(container, context, database)
    if not (database.restates_columns or database.rebuilds_tables):
        _leave_counting_unsaid(container)
    arrange_options(container)
    count_no_more(container, context, database)
    bring_back_computed(container, context, database)
    bring_back_constraints(container, context, database)
    arrange_enums(container, context, database)
    arrange_foreign_keys(container, context, database, {*retyped, *replaced_keys(container)})


def _leave_counting_unsaid(container: ops.OpContainer) -> None:
    """Take from changed columns what they are to count by: only where a column is stated anew does it say anything."""
    for table in container.ops:
        for op in table.ops if isinstance(table, ops.ModifyTableOps) else ():
            if type(op) is ops.AlterColumnOp:
                op.kw.pop("autoincrement", None)
