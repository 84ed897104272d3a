"""Alembic's plugin: what the stock command gains in a project where oppmigrate is installed.

Alembic calls `setup` while it is being imported, so nothing of Alembic is imported before a comparison begins. The
plugin's name in pyproject.toml begins with `alembic.autogenerate.`, which Alembic's own default takes in.
"""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.runtime.plugins import Plugin


class _PluginModule(ModuleType):
    """A module that is also the collection of modules that Alembic took a plugin for in its first releases, 1.18."""

    def __iter__(self) -> Iterator[ModuleType]:
        yield self


sys.modules[__name__].__class__ = _PluginModule


def setup(plugin: "Plugin") -> None:
    """Take part in every autogenerate run."""
    plugin.add_autogenerate_comparator(prepare_writing, "autogenerate")


def prepare_writing(autogen_context: Any, *_: Any) -> Any:
    """Make sure that what is found can be written: SQLModel's types, whose module a stock template does not import."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.environment.rendering import after_the_projects_own

    opts = autogen_context.opts
    opts["render_item"] = after_the_projects_own(opts.get("render_item"))
    return PriorityDispatchResult.CONTINUE
