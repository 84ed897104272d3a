"""SQL expressions on their way from the models into a revision file, where they are read as `sa.text()` again."""

import re
from collections.abc import Callable
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_column, _render_dialect_kwargs_items, _render_gen_name
from sqlalchemy import CheckConstraint, Column, Computed, DefaultClause, Dialect, Sequence, TextClause
from sqlalchemy import text as clause_of
from sqlalchemy.sql.elements import ClauseElement

# what `sa.text()` takes for a parameter
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


def as_sql(expression: ClauseElement | str, context: AutogenContext) -> str:
    """The expression as a person writes it: its values in it, no table before a column, a single percent sign."""
    if isinstance(expression, str):
        return expression
    impl: Any = context.migration_context.impl
    return as_written(context, impl.render_ddl_sql_expr(expression))


def as_written(context: AutogenContext, sql: str) -> str:
    """SQL that a compiler of SQLAlchemy's made for the driver, as a person writes it: with a single percent sign."""
    return sql.replace("%%", "%") if context.dialect.identifier_preparer._double_percents else sql


def as_text(sql: str) -> str:
    """The SQL as `sa.text()` is to be given it: a colon within stays one.

    Where one would be taken for a parameter, or for an escaped one, all are escaped: one behind an escaped one would
    keep the backslash of that.
    """
    return sql.replace(":", "\\:") if _PARAMETER.search(sql) or "\\:" in sql else sql


def literal(value: str) -> str:
    """The text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def quoted_name(dialect: Dialect, schema: str | None, name: str) -> str:
    """The name as SQL has it, with its schema where it has one."""
    quote = dialect.identifier_preparer.quote
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def executing(context: AutogenContext, sql: str) -> str:
    """The line of a revision that executes the statement."""
    prefix = context.opts.get("alembic_module_prefix") or ""
    return f"{prefix}execute({as_text(sql)!r})"


def is_made(sequence: Sequence, dialect: Any) -> bool:
    """Is the sequence one that the server is to have, and that it does not replace by what it has of its own?"""
    return bool(dialect.supports_sequences and not (dialect.sequences_optional and sequence.optional))


def counts_by_sequence(column: "Column[Any]", dialect: Any) -> bool:
    """Does the application take the column's values from a sequence, so that the server does not count them up?"""
    default: Any = column.default
    return isinstance(default, Sequence) and is_made(default, dialect)


def rendering_expressions(render_item: Callable[[str, Any, AutogenContext], Any]) -> Callable[..., Any]:
    """The `render_item`, and where it leaves a CHECK, a generated column or a default to Alembic, text read as meant.

    Alembic writes a percent sign as the driver has it, twice, and it is doubled again when the file is run; a colon in
    a string becomes a parameter.
    """

    def render(type_: str, item: Any, context: AutogenContext) -> Any:
        text = render_item(type_, item, context)
        if text is not False:
            return text
        prefix = context.opts.get("sqlalchemy_module_prefix") or ""
        if type_ == "column" and counts_by_sequence(item, context.dialect):
            return _without_counting(item, context)
        if isinstance(item, Computed):
            persisted = "" if item.persisted is None else f", persisted={item.persisted}"
            return f"{prefix}Computed({_source(item, context)}{persisted})"
        if isinstance(item, DefaultClause) and isinstance(item.arg, TextClause):
            return f"{prefix}text({_default_source(item.arg, item.reflected, context)})"
        if isinstance(item, CheckConstraint) and not item._type_bound:
            options = [f"name={_render_gen_name(context, item.name)!r}"] if item.name else []
            options += _render_dialect_kwargs_items(context, item.dialect_kwargs)
            return f"{prefix}CheckConstraint({', '.join([_source(item, context), *options])})"
        return False

    return render


def _without_counting(column: "Column[Any]", context: AutogenContext) -> str:
    """The column without its sequence, which is the application's to ask; and not as one that the server counts up."""
    made = column._copy()
    made.default = None
    made.autoincrement = False
    return _render_column(made, context)


def _source(item: Computed | CheckConstraint, context: AutogenContext) -> str:
    return repr(as_text(as_sql(item.sqltext, context)))


def _default_source(default: TextClause, is_reflected: bool, context: AutogenContext) -> str:
    """In parentheses where the server wants them. In what was read from a database, a colon is no parameter's."""
    impl: Any = context.migration_context.impl
    clause = clause_of(as_text(default.text)) if is_reflected else default
    return repr(as_text(as_written(context, impl.render_ddl_sql_expr(clause, is_server_default=True))))
