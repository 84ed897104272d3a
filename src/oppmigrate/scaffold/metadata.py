"""The MetaData objects of the models, and how `env.py` is to call each of them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import ModuleType
from typing import TYPE_CHECKING

from oppmigrate.config import Settings
from oppmigrate.errors import ModelsEmpty
from oppmigrate.scaffold.importing import import_models

if TYPE_CHECKING:
    from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMetadata:
    """One MetaData with tables: after `import module` it is `module.expression`."""

    module: str
    expression: str
    tables: tuple[str, ...]

    @property
    def reference(self) -> str:
        """`models.SQLModel.metadata`, as env.py writes it."""
        return f"{self.module}.{self.expression}"


class _Clarity(IntEnum):
    """What a name says about the MetaData behind it, the clearest first."""

    BASE = 1
    METADATA = 2
    BASE_AT_HOME = 3
    BASE_PASSING_BY = 4
    REGISTRY = 5
    TABLE = 6
    MODEL = 7


@dataclass(frozen=True, slots=True, order=True)
class _Name:
    clarity: _Clarity
    depth: int  # of the module among packages
    position: int
    module: str
    expression: str


def load_models(settings: Settings, modules: Sequence[str]) -> tuple[LoadedMetadata, ...]:
    """Import the modules and find every MetaData with tables that they can name, each once, by its clearest name.

    Raises:
        ModelsNotFound, ModelsBroken: a module does not exist, or cannot be imported.
        ModelsEmpty: they hold no table.
    """
    imported = import_models(settings.project, modules)
    names: dict[int, _Name] = {}
    objects: dict[int, MetaData] = {}
    for metadata, name in _all_names(imported, modules):
        if metadata.tables:
            objects[id(metadata)] = metadata
            names[id(metadata)] = min(name, names.get(id(metadata), name))
    if not objects:
        raise _empty(imported)
    return tuple(
        LoadedMetadata(module=name.module, expression=name.expression, tables=tuple(sorted(objects[key].tables)))
        for key, name in names.items()
    )


def _all_names(imported: Mapping[str, ModuleType], asked: Collection[str]) -> Iterator[tuple[MetaData, _Name]]:
    position = 0
    for module_name, module in imported.items():
        for name, value in list(vars(module).items()):
            position += 1
            for metadata, clarity, owner, expression in _names_of(module_name, name, value):
                if clarity is _Clarity.BASE and module_name not in asked and not _is_at_home(value, module_name):
                    clarity = _Clarity.BASE_PASSING_BY
                yield metadata, _Name(clarity, owner.count("."), position, owner, expression)


def _is_at_home(value: object, module: str) -> bool:
    """Is a class defined in this module, rather than imported into it?"""
    return getattr(value, "__module__", None) == module


def _names_of(module: str, name: str, value: object) -> Iterator[tuple[MetaData, _Clarity, str, str]]:
    from sqlalchemy import MetaData, Table
    from sqlalchemy.orm import registry

    if name.startswith("__"):
        return
    if isinstance(value, MetaData):
        yield value, _Clarity.METADATA, module, name
    elif isinstance(value, Table | registry):
        clarity = _Clarity.TABLE if isinstance(value, Table) else _Clarity.REGISTRY
        yield value.metadata, clarity, module, f"{name}.metadata"
    elif isinstance(value, type):
        yield from _names_of_class(module, name, value)


def _names_of_class(module: str, name: str, value: type) -> Iterator[tuple[MetaData, _Clarity, str, str]]:
    from sqlalchemy import MetaData

    # read without getattr: a class of any library may stand here, and compute its attributes
    base = next((cls for cls in value.__mro__ if isinstance(vars(cls).get("metadata"), MetaData)), None)
    if base is None:
        return
    metadata: MetaData = vars(base)["metadata"]
    base_name = base.__name__
    yield metadata, _Clarity.BASE if base is value else _Clarity.MODEL, module, f"{name}.metadata"
    # the package first: sqlmodel.main.SQLModel is known to everybody as sqlmodel.SQLModel
    for home in (base.__module__.split(".")[0], base.__module__):
        if getattr(sys.modules.get(home), base_name, None) is base:
            yield metadata, _Clarity.BASE_AT_HOME, home, f"{base_name}.metadata"
            return


def _empty(modules: Mapping[str, ModuleType]) -> ModelsEmpty:
    forgotten = [
        f"{name}.{key}"
        for name, module in modules.items()
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == name and _is_sqlmodel(value)
    ]
    hint = f"; {', '.join(forgotten[:3])} has no `table=True`" if forgotten else ""
    return ModelsEmpty(
        "the models define no table",
        why=f"imported {', '.join(modules)}, and no MetaData there holds one{hint}",
        do="mark each class that is a table: class User(SQLModel, table=True)\n"
        "       or name the module that holds them: --models PACKAGE.MODULE",
        modules=list(modules),
    )


def _is_sqlmodel(value: type) -> bool:
    sqlmodel = sys.modules.get("sqlmodel")
    return sqlmodel is not None and issubclass(value, sqlmodel.SQLModel)
