"""What a comparison has found, in an order in which a server can do it; for `create` and for the stock command."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from oppmigrate.autogenerate.enum_lists import arrange_lists
from oppmigrate.autogenerate.enums import arrange_enums
from oppmigrate.autogenerate.foreign_keys import arrange_foreign_keys
from oppmigrate.autogenerate.retyping import retype
from oppmigrate.databases import Database


def arrange(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Bring the upgrade's operations into such an order, in place; each can be reversed, so the downgrade follows."""
    arrange_lists(container, context)
    retyped = retype(container, context, database)
    arrange_enums(container, context, database)
    arrange_foreign_keys(container, context, database, retyped)
