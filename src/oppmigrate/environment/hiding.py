"""The journal is no model's table: a comparison passes over it, as Alembic passes over its own version table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """A table that a comparison leaves out, on the side of the database and on that of the models.

    Args:
        schema: where it lies; None is the default one.
        default_schema: what the connection calls the schema that is left unnamed.
    """

    name: str
    schema: str | None
    default_schema: str | None

    def name_filter(self, theirs: Callable[..., bool] | None) -> Callable[..., bool]:
        """An `include_name` that leaves the table out, and asks the project's own, where there is one, for the rest."""

        def include_name(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
            if type_ == "table" and self._is_it(name, parent_names.get("schema_name")):
                return False
            return theirs is None or theirs(name, type_, parent_names)

        return include_name

    def object_filter(self, theirs: Callable[..., bool] | None) -> Callable[..., bool]:
        """The same as an `include_object`, for a model of the table that an application has for reading it."""

        def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
            if type_ == "table" and self._is_it(name, item.schema):
                return False
            return theirs is None or theirs(item, name, type_, reflected, compare_to)

        return include_object

    def _is_it(self, name: str | None, schema: str | None) -> bool:
        # MariaDB on some systems gives every name back in lower case
        return (name or "").lower() == self.name.lower() and (schema or self.default_schema) == (
            self.schema or self.default_schema
        )
