"""SQL expressions on their way from the models into a revision file, where they are read as `sa.text()` again."""

import re
from typing import Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy.sql.elements import ClauseElement

# what `sa.text()` takes for a parameter
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


def as_sql(expression: ClauseElement | str, context: AutogenContext) -> str:
    """The expression as a person writes it: its values in it, no table before a column, a single percent sign."""
    if isinstance(expression, str):
        return expression
    impl: Any = context.migration_context.impl
    sql: str = impl.render_ddl_sql_expr(expression)
    return sql.replace("%%", "%") if impl.dialect.identifier_preparer._double_percents else sql


def as_text(sql: str) -> str:
    """The SQL as `sa.text()` is to be given it: a colon within stays one."""
    return _PARAMETER.sub(r"\\:", sql)
