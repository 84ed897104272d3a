"""How types of the models are written into a revision file."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql import sqltypes


def render_item(type_: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write SQLModel's own types as the plain ones that they are on every server; leave the rest to Alembic.

    Without a length `AutoString` stays itself: it is VARCHAR on most servers and VARCHAR(255) on MariaDB.
    """
    if type_ != "type":
        return False
    prefix = autogen_context.opts.get("sqlalchemy_module_prefix") or ""
    if type(item) is sqltypes.AutoString:
        if item.length:
            return f"{prefix}String(length={item.length})"
        autogen_context.imports.add("import sqlmodel")
        return "sqlmodel.AutoString()"
    # SQLModel's aware datetimes, in the versions that have them
    if type(item).__name__ == "UTCDateTime" and type(item).__module__ == sqltypes.__name__:
        return f"{prefix}DateTime(timezone=True)"
    _import_module_of(item, autogen_context)
    return False


def after_the_projects_own(theirs: Any) -> Any:
    """A `render_item` that asks the project's own first, where it has one, then ours."""
    if theirs is None or theirs is render_item or getattr(theirs, "asks_ours_too", False):
        return theirs or render_item

    def render(type_: str, item: Any, autogen_context: AutogenContext) -> Any:
        text = theirs(type_, item, autogen_context)
        return text if text is not False else render_item(type_, item, autogen_context)

    render.asks_ours_too = True  # type: ignore[attr-defined]
    return render


def _import_module_of(type_: Any, autogen_context: AutogenContext) -> None:
    """A type of the user's own is written with its module's name in front, which Alembic does not import."""
    module = type(type_).__module__
    if autogen_context.opts.get("user_module_prefix") is None and module.split(".")[0] not in (
        "sqlalchemy",
        "sqlmodel",
    ):
        autogen_context.imports.add(f"import {module}")
