"""A new revision, from the comparison to a checked file."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from alembic.autogenerate.api import RevisionContext
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory, write_hooks
from alembic.util import rev_id
from sqlalchemy import Column

from oppmigrate.autogenerate import data_revision
from oppmigrate.autogenerate.backfilling import add_in_steps, columns_to_fill
from oppmigrate.autogenerate.casting import apply_casts
from oppmigrate.autogenerate.layout import lay_out
from oppmigrate.autogenerate.models import model_columns
from oppmigrate.autogenerate.numbering import with_statements
from oppmigrate.autogenerate.proofreading import (
    TEMPLATE,
    explaining_failures,
    missing_template,
    proofread,
    takes_no_operations,
)
from oppmigrate.autogenerate.sequences import DROPS
from oppmigrate.autogenerate.shaping import shape
from oppmigrate.autogenerate.tightening import columns_to_tighten, fill_nulls
from oppmigrate.autogenerate.words import describe_all, flatten
from oppmigrate.databases import Database
from oppmigrate.errors import ConfigurationError, DuplicateRevision, FileNotWritten, WrongUsage
from oppmigrate.results import Change

T = TypeVar("T")
# names that mean something else on the command line
RESERVED = frozenset({"head", "heads", "base", "current"})
LONGEST_ID = 32  # of the version table as Alembic makes it


class Draft:
    """A revision that is being made: filled by `autogenerate`, written by `write`.

    Args:
        head: the parent, as Alembic names it (`head`, an id, `label@head`, "base" for a new base).
    """

    def __init__(
        self,
        config: Config,
        script: ScriptDirectory,
        message: str,
        *,
        head: str | tuple[str, ...] = "head",
        splice: bool = False,
        branch_label: str | None = None,
        depends_on: str | None = None,
        version_path: str | None = None,
        revision: str | None = None,
    ) -> None:
        self._script = script
        self._version_path = version_path
        self._arguments: dict[str, Any] = {
            "message": _fit_for_docstring(message),
            "autogenerate": True,
            "sql": False,
            "head": head,
            "splice": splice,
            "branch_label": branch_label,
            "version_path": version_path,
            "rev_id": revision or rev_id(),
            "depends_on": depends_on,
        }
        self._context = RevisionContext(config, script, self._arguments)
        self._made = self._context.generated_revisions[-1]
        self._is_data_step = False
        self.model_columns: dict[str, Column[Any]] = {}  # by `table.column`, once they were compared

    def autogenerate(self, heads: tuple[str, ...], context: MigrationContext, drops: Collection[str] = ()) -> None:
        """Fill the draft with what it takes to bring the database of `context` to the models of `env.py`.

        Args:
            drops: what a person has said is to go, also where a comparison leaves it alone.
        """
        context.opts[DROPS] = drops
        self._context.run_autogenerate(heads, context)
        self.model_columns = model_columns(context)
        for script in self._context.generated_revisions:
            for container in (*script.upgrade_ops_list, *script.downgrade_ops_list):
                shape(container)

    def leave_empty(self, heads: tuple[str, ...], context: MigrationContext) -> None:
        """Let the hooks of `env.py` at a revision that is written by hand."""
        self._context.run_no_autogenerate(heads, context)

    def begin_data_step(self) -> None:
        """Begin the functions of a revision that is written by hand with what a data step needs."""
        self._is_data_step = True
        self.template_args.update(
            upgrades=data_revision.UPGRADE, downgrades=data_revision.DOWNGRADE, imports=data_revision.IMPORTS
        )

    def begin_with(self, operations: Sequence[ops.MigrateOperation]) -> None:
        """Put operations in front of the upgrade, and their inverse behind the downgrade."""
        if not operations:
            return
        scripts = self._context.generated_revisions
        if not scripts:  # a hook of the project's has thrown the revision away, for it was empty so far
            scripts.append(self._made)
        # the last is that of the database at hand, where env.py migrates several
        scripts[-1].upgrade_ops_list[-1].ops[:0] = operations
        scripts[-1].downgrade_ops_list[-1].ops += [_inverse(each) for each in reversed(operations)]

    @property
    def columns_to_fill(self) -> dict[str, Column[Any]]:
        """The NOT NULL columns that the upgrade adds and that the server does not fill, by `table.column`."""
        return _merged(columns_to_fill(container) for container in self._upgrades)

    @property
    def columns_brought_back(self) -> dict[str, Column[Any]]:
        """The same of the downgrade: columns whose values the upgrade drops."""
        return _merged(columns_to_fill(container) for container in self._downgrades)

    def fill(self, values: Mapping[str, Any], down_values: Mapping[str, Any], database: Database) -> None:
        """Give the rows already there a value in each of these columns, before NOT NULL is set."""
        values, down_values = (with_statements(each, database) for each in (values, down_values))
        for container in self._upgrades:
            add_in_steps(container, lambda name, _column: values[name], "for the rows that are there already")
        why = "the values were dropped by the upgrade; this one stands in for them"
        for container in self._downgrades:
            add_in_steps(container, lambda name, _column: down_values[name], why)

    def cast(self, casts: Mapping[str, str], database: Database) -> None:
        """Have these columns, by `table.column`, get their new type by an expression.

        Raises:
            WrongUsage: a column does not get another type, or the server cannot do it.
        """
        apply_casts(self._upgrades, casts, database, database.url.get_dialect()())

    @property
    def columns_to_tighten(self) -> dict[str, ops.AlterColumnOp]:
        """The columns that the upgrade makes NOT NULL, by `table.column`."""
        return _merged(columns_to_tighten(container) for container in self._upgrades)

    @property
    def columns_tightened_back(self) -> dict[str, ops.AlterColumnOp]:
        """The same of the downgrade."""
        return _merged(columns_to_tighten(container) for container in self._downgrades)

    def fill_nulls(self, values: Mapping[str, Any], down_values: Mapping[str, Any]) -> None:
        """Write these values in place of NULL before a column is made NOT NULL."""
        for container in self._upgrades:
            fill_nulls(container, values, "for the rows that hold nothing there")
        for container in self._downgrades:
            fill_nulls(container, down_values, "for the rows that hold nothing there by then")

    @property
    def _upgrades(self) -> list[ops.OpContainer]:
        """One for each database that `env.py` migrates."""
        return [each for script in self._context.generated_revisions for each in script.upgrade_ops_list]

    @property
    def _downgrades(self) -> list[ops.OpContainer]:
        return [each for script in self._context.generated_revisions for each in script.downgrade_ops_list]

    @property
    def template_args(self) -> dict[str, Any]:
        """What the project's script.py.mako is given; an `env.py` may add to it."""
        return self._context.template_args

    @property
    def operations(self) -> tuple[ops.MigrateOperation, ...]:
        """The operations of the upgrade, containers opened."""
        return tuple(flatten(self._upgrades))

    @property
    def both_directions(self) -> tuple[ops.MigrateOperation, ...]:
        """The operations of the upgrade and of the downgrade, containers opened."""
        return tuple(flatten([*self._upgrades, *self._downgrades]))

    @property
    def changes(self) -> tuple[Change, ...]:
        """The upgrade in words."""
        return describe_all(self.operations)

    def write(
        self, *, dry_run: bool = False, prove: Callable[[str, Path], None] | None = None
    ) -> tuple[str, Path, str]:
        """Write the file beside the others and return its id, its path and its text.

        The file is made in a temporary folder, laid out, loaded and checked there, and moved only then: a file
        that would not run is not left behind.

        Args:
            prove: called with the id and the temporary folder, before the file is moved; what it raises stops that.

        Raises:
            RevisionFileBroken: the file does not compile, or uses a name that it does not import.
            RevisionError: Alembic refuses to make it, or the id is taken.
            FileNotWritten: the folder cannot be written to, or the file is there already.
        """
        self._refuse_unfit_id()
        location = self._location()
        encoding = self._script.output_encoding
        try:
            # beside the versions, so that post-write hooks find the project's configuration; hidden from Alembic
            with (
                tempfile.TemporaryDirectory(prefix=".new-", dir=self._script.dir) as temporary,
                explaining_failures(),
            ):
                folder = Path(temporary).resolve()
                script = self._write_into(folder)
                path = Path(script.path)
                path.write_text(lay_out(path.read_text(encoding=encoding)), encoding=encoding)
                if self._is_data_step and data_revision.IMPORTS not in path.read_text(encoding=encoding):
                    raise takes_no_operations(Path(self._script.dir) / TEMPLATE)
                self._run_hooks(path)
                proofread(path)
                text = path.read_text(encoding=encoding)
                if prove is not None:
                    prove(str(script.revision), path.parent)
                target = location / path.relative_to(folder)
                if not dry_run:
                    _move(path, target)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and str(error.filename).endswith(TEMPLATE):
                raise missing_template(Path(error.filename)) from error
            raise FileNotWritten(
                f"{error.filename or location} cannot be written",
                why=error.strerror or str(error),
                do="see to the rights and the free space there, then run the command again",
            ) from error
        return str(script.revision), target, text

    def _refuse_unfit_id(self) -> None:
        wanted: str = self._arguments["rev_id"]
        if wanted in RESERVED or re.search(r"[\\/\s\x00-\x1f]", wanted):
            raise WrongUsage(
                f"`{wanted}` cannot be a revision's id",
                why="it is in the file's name, and beside `head`, `base` and steps on the command line",
                do="write letters, digits, `.` and `_`, or leave --rev-id out",
            )
        longest = LONGEST_ID
        for script in self._script.walk_revisions():
            longest = max(longest, len(script.revision))  # then the project's version table is made for it
            if script.revision == wanted:
                raise DuplicateRevision(f"there is a revision {wanted} already, in {script.path}", revision=wanted)
        if len(wanted) > longest:
            raise WrongUsage(
                f"the id `{wanted}` is too long",
                why=f"it has {len(wanted)} characters, and Alembic's version table holds {longest}",
                do="give a shorter one, or leave --rev-id out",
            )

    def _location(self) -> Path:
        locations = [Path(location) for location in self._script._version_locations]
        if self._version_path is not None:
            return _chosen(Path(self._version_path), locations)
        with explaining_failures():
            parents = self._script.get_revisions(self._arguments["head"])
        recorded = [Path(parent.path) for parent in parents if parent is not None]
        for path in recorded:
            for location in locations:
                if path.is_relative_to(location.resolve()):
                    return location
        return locations[0]

    def _write_into(self, folder: Path) -> Any:
        """Let Alembic write the file, into `folder` instead of the versions' own."""
        own, hooks = list(self._script._version_locations), self._script.hooks
        self._script.__dict__["_version_locations"] = [*own, folder]
        self._script.hooks = []
        try:
            for generated in self._context.generated_revisions:
                generated.version_path = str(folder)
            (script,) = list(self._context.generate_scripts())
        finally:
            self._script.__dict__["_version_locations"] = own
            self._script.hooks = hooks
        return script

    def _run_hooks(self, path: Path) -> None:
        """The project's own programs come after our layout: theirs is the last word."""
        try:
            with _programs_on_stderr():
                write_hooks._run_hooks(path, self._script.hooks)
        except OSError as error:
            raise ConfigurationError(
                f"a post-write hook cannot be run: {error.filename}",
                why=error.strerror,
                do="mend [post_write_hooks] in alembic.ini",
            ) from error


@contextlib.contextmanager
def _programs_on_stderr() -> Iterator[None]:
    """Post-write hooks are programs, and what they print is the story: stdout is for our answer."""
    try:
        stdout = os.dup(1)
    except OSError:  # closed, as a service has it
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _merged(columns: Iterable[dict[str, T]]) -> dict[str, T]:
    return {name: column for each in columns for name, column in each.items()}


def _chosen(folder: Path, locations: Sequence[Path]) -> Path:
    """The folder that was asked for; Alembic finds revisions only where the configuration says."""
    if any(folder.resolve() == location.resolve() for location in locations):
        return folder.absolute()
    raise WrongUsage(
        f"--version-path {folder} is not one of the folders with revisions",
        do=f"name one of: {', '.join(map(str, locations))}; or add it to version_locations in alembic.ini",
    )


def _move(path: Path, target: Path) -> None:
    """Put the file in its place; what is there already is not overwritten."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise FileNotWritten(f"{target} is there already", do="give the revision another message, or another --rev-id")
    shutil.move(path, target)


def _fit_for_docstring(message: str) -> str:
    """The template puts the message between triple quotes as it stands.

    Raises:
        WrongUsage: the message is no text that a file can hold.
    """
    try:
        message.encode()
    except UnicodeEncodeError as error:
        raise WrongUsage("the message is not UTF-8", why="it comes from a terminal with another encoding") from error
    return re.sub(r'"(?=""|\Z)', r'\\"', message.replace("\\", r"\\"))


def _inverse(operation: ops.MigrateOperation) -> ops.MigrateOperation:
    if isinstance(operation, ops.RenameTableOp):
        return ops.RenameTableOp(str(operation.new_table_name), operation.table_name, schema=operation.schema)
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name is not None:
        return ops.AlterColumnOp(  # Alembic's own reverse() leaves the name out
            operation.table_name,
            operation.modify_name,
            schema=operation.schema,
            modify_name=operation.column_name,
            existing_type=operation.existing_type,
            existing_nullable=operation.existing_nullable,
            existing_server_default=operation.existing_server_default,
            existing_comment=operation.existing_comment,
            **operation.kw,
        )
    return operation.reverse()
