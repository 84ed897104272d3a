"""The journal is no model's table: a comparison passes over it, as Alembic passes over its own version table."""

from collections.abc import Callable, Collection, Mapping
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

        return NameFilter(self, theirs)

    def object_filter(self, theirs: Callable[..., bool] | None) -> Callable[..., bool]:
        """The same as an `include_object`, for a model of the table that an application has for reading it."""

        def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
            if type_ == "table" and self.is_it(name, item.schema):
                return False
            return theirs is None or theirs(item, name, type_, reflected, compare_to)

        return include_object

    def is_it(self, name: str | None, schema: str | None) -> bool:
        # MariaDB on some systems gives every name back in lower case
        return (name or "").lower() == self.name.lower() and (schema or self.default_schema) == (
            self.schema or self.default_schema
        )


@dataclass(frozen=True, slots=True)
class NameFilter:
    """An `include_name`; `theirs` is the project's own."""

    hidden: HiddenTable
    theirs: Callable[..., bool] | None

    def __call__(self, name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
        if type_ == "table" and self.hidden.is_it(name, parent_names.get("schema_name")):
            return False
        return self.theirs is None or self.theirs(name, type_, parent_names)


def is_the_projects(include_name: Callable[..., bool] | None) -> bool:
    """Does a function of the project's own stand behind it?"""
    return include_name is not None and not (isinstance(include_name, NameFilter) and include_name.theirs is None)


@dataclass(frozen=True, slots=True)
class HiddenTables:
    """Tables, by schema and name, that a comparison passes over for a while; the default schema is None."""

    places: Collection[tuple[str | None, str]]
    default_schema: str | None
    names: Callable[..., bool]
    objects: Callable[..., bool]

    def include_name(self, name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
        if type_ == "table" and (parent_names.get("schema_name"), name) in self.places:
            return False
        return self.names(name, type_, parent_names)

    def include_object(self, item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
        if type_ == "table":
            schema = item.schema if item.schema != self.default_schema else None
            if (schema, name) in self.places:
                return False
        return self.objects(item, name, type_, reflected, compare_to)
