"""Sequences that the models declare: made before what counts by them, and changed where they are to count otherwise.

Alembic leaves them to be written by hand. A sequence that no model declares is left alone: whether an application, or a
trigger, still counts by it, nobody can see. `--drop` and `--rename` say it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Integer, MetaData, SmallInteger
from sqlalchemy import Sequence as DeclaredSequence

from oppmigrate.autogenerate.asking_once import asked_once
from oppmigrate.autogenerate.decisions import Rename
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.written import as_text, executing, is_made, quoted_name
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName
from oppmigrate.databases.sequence_questions import StoredSequence
from oppmigrate.errors import WrongUsage

DROPS = "oppmigrate_drops"  # among the options of a comparison: what a person said is to go
# SQLAlchemy's arguments, in the order in which they are written, and what the database calls them
FACTS = {
    "start": "start",
    "increment": "increment",
    "minvalue": "minimum",
    "maxvalue": "maximum",
    "cycle": "cycle",
    "cache": "cache",
}
ARGUMENTS = (*FACTS, "data_type")
_TYPES = {"smallint": SmallInteger(), "integer": Integer()}


@dataclass(frozen=True, slots=True)
class Modelled:
    """A sequence as a model declares it: SQLAlchemy's arguments, those that were given."""

    place: TableName
    arguments: tuple[tuple[str, Any], ...]


class CreateSequenceOp(ToldOp):
    def __init__(self, sequence: Modelled) -> None:
        self.sequence = sequence
        self.place = sequence.place

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"create sequence {self.place}"

    def reverse(self) -> "DropSequenceOp":
        return DropSequenceOp(self.sequence)


class DropSequenceOp(ToldOp):
    def __init__(self, sequence: Modelled) -> None:
        self.sequence = sequence
        self.place = sequence.place

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"drop sequence {self.place}"

    def reverse(self) -> CreateSequenceOp:
        return CreateSequenceOp(self.sequence)


class AlterSequenceOp(ToldOp):
    """Let a sequence count otherwise from now on; where it stands, it goes on.

    Args:
        no_cycle: the server's word for one that ends.
    """

    def __init__(self, place: TableName, before: StoredSequence, after: StoredSequence, no_cycle: str) -> None:
        self.place = place
        self.no_cycle = no_cycle
        self.before = before
        self.after = after

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"alter sequence {self.place}: {', '.join(self.changed)}"

    @property
    def changed(self) -> list[str]:
        """What is to be otherwise, as SQL has it."""
        names = (each.name for each in fields(StoredSequence))
        return [
            self._clause(name, getattr(self.after, name))
            for name in names
            if getattr(self.after, name) != getattr(self.before, name)
        ]

    def reverse(self) -> "AlterSequenceOp":
        return AlterSequenceOp(self.place, self.after, self.before, self.no_cycle)

    def _clause(self, name: str, value: Any) -> str:
        if name == "cycle":
            return "CYCLE" if value else self.no_cycle
        words = {"type": "AS", "start": "START WITH", "increment": "INCREMENT BY"}
        words |= {"minimum": "MINVALUE", "maximum": "MAXVALUE", "cache": "CACHE"}
        return f"{words[name]} {value}"


class RenameSequenceOp(ToldOp):
    """A sequence gets another name; what it counts, and where it stands, stays.

    Args:
        sql: the statements that do it, and that undo it.
    """

    def __init__(self, old: str, new: str, sql: tuple[str, str]) -> None:
        self.old = old
        self.new = new
        self.sql = sql

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"rename sequence {self.old} to {self.new}"

    def reverse(self) -> "RenameSequenceOp":
        return RenameSequenceOp(self.new, self.old, (self.sql[1], self.sql[0]))


def carry_out_on_sequences(
    renames: Sequence[Rename], context: MigrationContext, database: Database
) -> tuple[list[ops.MigrateOperation], list[Rename]]:
    """Rename the sequences among what is to be renamed; return the operations, and the renames of all else.

    Raises:
        WrongUsage: the new name is not in the models, or is taken.
    """
    assert context.connection is not None
    stored = database.read_sequences(context.connection) if any(each.column is None for each in renames) else {}
    declared = {each.place for each in _declared(context.opts["target_metadata"], context.dialect, database)}
    done: list[ops.MigrateOperation] = []
    rest = []
    for rename in renames:
        if rename.column is not None or TableName(rename.table) not in stored:
            rest.append(rename)
            continue
        new = TableName(rename.new)
        if new not in declared or new in stored:
            raise WrongUsage(
                f"--rename {rename}: {'no model has' if new not in declared else 'there is already'} a sequence {new}",
                why="the left side is the name in the database, the right side the name in the models",
            )
        old_name, new_name = (quoted_name(context.dialect, None, name) for name in (rename.table, rename.new))
        sql = database.rename_sequence_sql(old_name, new_name), database.rename_sequence_sql(new_name, old_name)
        operation = RenameSequenceOp(rename.table, rename.new, sql)
        Operations(context).execute(as_text(operation.sql[0]))
        done.append(operation)
    return done, rest


def compare_sequences(
    context: AutogenContext, database: Database, operations: ops.UpgradeOps, schemas: Collection[str | None]
) -> None:
    """Put in front of the operations what it takes to give the database the sequences of the models."""
    declared = _declared(context.metadata, context.dialect, database)
    modelled = {each.place: each for each in declared if each.place.schema in schemas}
    dropped = context.opts.get(DROPS, frozenset())
    if not (modelled or dropped and database.sequence_types):
        return
    stored = asked_once(context, database.read_sequences)
    operations.ops += [
        DropSequenceOp(_as_modelled(place, stored[place], database))
        for place in sorted(stored, key=str)
        if str(place) in dropped and place not in modelled
    ]
    found: list[ops.MigrateOperation] = []
    for place, sequence in modelled.items():
        if place not in stored:
            found.append(CreateSequenceOp(sequence))
            continue
        wanted = _as_stored(sequence, database)
        if wanted != stored[place]:
            found.append(AlterSequenceOp(place, stored[place], wanted, database.no_cycle))
    operations.ops[:0] = found


def _declared(target: Any, dialect: Any, database: Database) -> Iterator[Modelled]:
    """Those that `create_all` would make on this server, of a MetaData or of several."""
    if not database.sequence_types:
        return
    for metadata in [target] if isinstance(target, MetaData) else target or ():
        # of those that belong to a column, the metadata knows as well
        for sequence in sorted(metadata._sequences.values(), key=lambda each: str(each._key)):
            if is_made(sequence, dialect):
                yield _modelled(sequence, dialect)


def _modelled(sequence: DeclaredSequence, dialect: Any) -> Modelled:
    given = ((name, getattr(sequence, name)) for name in ARGUMENTS)
    schema = sequence.schema if sequence.schema != dialect.default_schema_name else None
    arguments = tuple((name, value) for name, value in given if value is not None)
    return Modelled(TableName(str(sequence.name), str(schema) if schema else None), arguments)


def _as_stored(sequence: Modelled, database: Database) -> StoredSequence:
    """What the server makes of it."""
    given = dict(sequence.arguments)
    type_ = str(given["data_type"]).lower() if "data_type" in given and len(database.sequence_types) > 1 else None
    lowest, highest = database.sequence_types.get(type_, database.sequence_types[None])
    increment = given.get("increment", 1)
    minimum = given.get("minvalue", 1 if increment > 0 else lowest)
    maximum = given.get("maxvalue", highest if increment > 0 else -1)
    return StoredSequence(
        type=type_ or ("bigint" if len(database.sequence_types) > 1 else None),
        start=given.get("start", minimum if increment > 0 else maximum),
        increment=increment,
        minimum=minimum,
        maximum=maximum,
        cycle=bool(given.get("cycle", False)),
        cache=given.get("cache", database.sequence_cache),
    )


def _as_modelled(place: TableName, stored: StoredSequence, database: Database) -> Modelled:
    """The arguments that make it what it is, but those that go without saying."""
    said: dict[str, Any] = {"data_type": _TYPES[stored.type]} if stored.type in _TYPES else {}
    if stored.increment != 1:  # by which its smallest and its largest value go
        said["increment"] = stored.increment
    plain = _as_stored(Modelled(place, tuple(said.items())), database)
    said |= {
        argument: getattr(stored, fact)
        for argument, fact in FACTS.items()
        if getattr(stored, fact) != getattr(plain, fact)
    }
    return Modelled(place, tuple((argument, said[argument]) for argument in ARGUMENTS if argument in said))


def take_stored_sequences(metadata: MetaData, database: Database, connection: Connection) -> None:
    """Let what was reflected of a database declare the sequences that it has."""
    for place, stored in database.read_sequences(connection).items():
        modelled = _as_modelled(place, stored, database)
        DeclaredSequence(place.name, schema=place.schema, metadata=metadata, **dict(modelled.arguments))


# ---- how they are written


@renderers.dispatch_for(CreateSequenceOp)
def _create(context: AutogenContext, op: CreateSequenceOp) -> str:
    return _execute(context, "Create", op.sequence, op.sequence.arguments)


@renderers.dispatch_for(DropSequenceOp)
def _drop(context: AutogenContext, op: DropSequenceOp) -> str:
    return _execute(context, "Drop", op.sequence, ())


def _execute(context: AutogenContext, verb: str, sequence: Modelled, arguments: tuple[tuple[str, Any], ...]) -> str:
    prefix = context.opts.get("sqlalchemy_module_prefix") or ""
    written = [repr(sequence.place.name)]
    written += [f"{name}={prefix if name == 'data_type' else ''}{value!r}" for name, value in arguments]
    written += [f"schema={sequence.place.schema!r}"] if sequence.place.schema else []
    ddl = f"{prefix}schema.{verb}Sequence({prefix}Sequence({', '.join(written)}))"
    return f"{context.opts.get('alembic_module_prefix') or ''}execute({ddl})"


@renderers.dispatch_for(RenameSequenceOp)
def _rename(context: AutogenContext, op: RenameSequenceOp) -> str:
    return executing(context, op.sql[0])


@renderers.dispatch_for(AlterSequenceOp)
def _alter(context: AutogenContext, op: AlterSequenceOp) -> str:
    assert context.dialect is not None
    name = quoted_name(context.dialect, op.place.schema, op.place.name)
    return executing(context, f"ALTER SEQUENCE {name} {' '.join(op.changed)}")
