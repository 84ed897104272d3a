"""Do the rows that are there fit what an operation is about to make of their table?"""

from collections.abc import Callable, Iterator
from typing import Any

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy.exc import DBAPIError

from oppmigrate.safety.columns import of_added_column, of_conversion, of_counting, of_nullability, of_type_checks
from oppmigrate.safety.constraints import of_check, of_foreign_key, of_index, of_primary_key, of_unique_constraint
from oppmigrate.safety.refusing import Demand, Inquiry

Demands = Callable[[Inquiry, Any], Iterator[Demand]]

# what a server does to a table that stands, without making a new one
IN_PLACE_EVERYWHERE: dict[type[MigrateOperation], Demands] = {
    ops.AddColumnOp: of_added_column,
    ops.CreateIndexOp: of_index,
}
BY_ALTER: dict[type[MigrateOperation], Demands] = {
    ops.CreateUniqueConstraintOp: of_unique_constraint,
    ops.CreatePrimaryKeyOp: of_primary_key,
    ops.CreateCheckConstraintOp: of_check,
    ops.CreateForeignKeyOp: of_foreign_key,
}


def check_fit(inquiry: Inquiry, operation: MigrateOperation, is_allowed: Callable[[str], bool]) -> None:
    """Look at the rows before the operation is carried out.

    Args:
        is_allowed: may the operation break the rule of this name?

    Raises:
        RowsDoNotFit: with the number of rows and a sample. Nothing was changed.
    """
    if isinstance(operation, ops.AlterColumnOp):
        if not inquiry.database.rebuilds_tables:
            _check_altered_column(inquiry, operation, is_allowed)
        return
    demands = IN_PLACE_EVERYWHERE.get(type(operation))
    if demands is None and not inquiry.database.rebuilds_tables:
        demands = BY_ALTER.get(type(operation))
    for demand in demands(inquiry, operation) if demands else ():
        inquiry.require(demand)


def _check_altered_column(inquiry: Inquiry, operation: ops.AlterColumnOp, is_allowed: Callable[[str], bool]) -> None:
    for demand in (*of_nullability(inquiry, operation), *of_counting(inquiry, operation)):
        inquiry.require(demand)
    try:
        with of_conversion(inquiry, operation, is_allowed) as conversion:
            if conversion is not None:
                inquiry.require(conversion)
    except DBAPIError as error:
        # the ALTER meets it as well, and says so with its own words
        if not inquiry.database.is_about_the_statement(error):
            raise
    for demand in of_type_checks(inquiry, operation):
        inquiry.require(demand)
