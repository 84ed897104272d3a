"""What a database answers for all tables at once, asked once for a comparison, which looks at one after the other."""

from collections.abc import Callable
from typing import TypeVar

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

T = TypeVar("T")


def asked_once(context: AutogenContext, question: Callable[[Connection], T]) -> T:
    """The answer, which is kept on the comparison's own object by the name of the question."""
    known = f"oppmigrate_{question.__name__}"
    if known not in vars(context):
        assert context.connection is not None
        vars(context)[known] = question(context.connection)
    answer: T = vars(context)[known]
    return answer
