"""Tables, columns and enum values that a revision would drop, and what they may have been renamed to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from alembic.operations import ops
from sqlalchemy import Column

from oppmigrate.autogenerate.decisions import Decisions, Questioner, Rename, ValueRename
from oppmigrate.autogenerate.entities import drops_entity, entity_name
from oppmigrate.autogenerate.enum_values import changed_values
from oppmigrate.autogenerate.evidence import Candidate, Evidence, likeness
from oppmigrate.autogenerate.sequences import DropSequenceOp
from oppmigrate.errors import Refused, WrongUsage


@dataclass(frozen=True, slots=True)
class Loss:
    """What would go: a table, or a column of one, by the names of before.

    A value of an enum is the "column" of it: whether rows hold it is looked at when the revision is applied.

    Args:
        candidates: the new names that it may have got instead, the likeliest first.
        new_table: what the table is called now.
    """

    table: str
    column: str | None
    candidates: tuple[str, ...]
    new_table: str
    is_value: bool = False

    @property
    def name(self) -> str:
        """The full name, as `--drop` takes it."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def flags(self) -> list[str]:
        """What may be pasted to say what became of it."""
        flag = "--rename-value" if self.is_value else "--rename"
        return [*(f"{flag} {quote(f'{self.name}:{new}')}" for new in self.candidates), f"--drop {quote(self.name)}"]


def find_losses(operations: Iterable[ops.MigrateOperation], decisions: Decisions) -> tuple[Loss, ...]:
    """The drops among the operations, tables first, each with the names that are new where it stood.

    Args:
        decisions: of which the renames count: what was renamed stands in the operations by its new name.
    """
    flat = list(operations)
    new_tables = tuple(op.table_name for op in flat if isinstance(op, ops.CreateTableOp))
    tables = [
        Loss(op.table_name, None, _alike(op, flat, new_tables), op.table_name)
        for op in flat
        if isinstance(op, ops.DropTableOp)
    ]
    columns = [
        Loss(
            decisions.old_table(op.table_name),
            op.column_name,
            _new_columns(flat, op.table_name, besides=op.column_name),
            op.table_name,
        )
        for op in flat
        if isinstance(op, ops.DropColumnOp) and not _is_computed_anew(op, flat)
    ]
    sequences = [Loss(str(op.place), None, (), str(op.place)) for op in flat if isinstance(op, DropSequenceOp)]
    entities = [Loss(name, None, (), name) for name in map(entity_name, filter(drops_entity, flat))]
    # Alembic finds the columns of a table in no order
    return (*tables, *sequences, *entities, *sorted(columns, key=lambda loss: loss.name), *_lost_values(flat))


def _lost_values(flat: Iterable[ops.MigrateOperation]) -> list[Loss]:
    lost = []
    for change in changed_values(flat):
        added = tuple(value for value in change.after if value not in change.before)
        removed = (value for value in change.before if value not in change.after)
        lost += [Loss(change.enum, value, added, change.enum, is_value=True) for value in removed]
    return lost


def _alike(dropped: ops.DropTableOp, flat: Sequence[ops.MigrateOperation], new: tuple[str, ...]) -> tuple[str, ...]:
    """The new tables that share a column's name with the dropped one, most alike first."""
    old = _column_names(dropped._reverse.columns if dropped._reverse else ())
    shared = {op.table_name: len(old & _column_names(op.columns)) for op in flat if isinstance(op, ops.CreateTableOp)}
    return tuple(sorted((name for name in new if shared[name]), key=lambda name: -shared[name]))


def _column_names(items: Iterable[object]) -> set[str]:
    return {item.name for item in items if isinstance(item, Column)}


def _new_columns(flat: Iterable[ops.MigrateOperation], table: str, *, besides: str) -> tuple[str, ...]:
    names = (op.column.name for op in flat if isinstance(op, ops.AddColumnOp) and op.table_name == table)
    return tuple(sorted((name for name in names if name != besides), key=lambda name: -likeness(besides, name)))


def _is_computed_anew(drop: ops.DropColumnOp, flat: Iterable[ops.MigrateOperation]) -> bool:
    """Was the column a generated one, and is it one again? Then no value is lost."""
    if drop._reverse is None or drop._reverse.column.computed is None:
        return False
    adds = (op for op in flat if isinstance(op, ops.AddColumnOp) and op.table_name == drop.table_name)
    return any(add.column.name == drop.column_name and add.column.computed is not None for add in adds)


def check_drops(losses: Sequence[Loss], decisions: Decisions) -> None:
    """Raise WrongUsage where `--drop` names what the revision would not drop anyway."""
    unused = decisions.drops - {loss.name for loss in losses}
    if unused:
        raise WrongUsage(
            f"--drop {', '.join(sorted(unused))}: that is not dropped by this revision",
            why="the models still have it, or it was never there",
            do="leave the flag out; `python oppman.py migrate check` lists what differs",
        )


def ask_renames(losses: Sequence[Loss], decisions: Decisions, questioner: Questioner, evidence: Evidence) -> Decisions:
    """The decisions, with those renames that the questioner knows of. Asks once for each new name."""
    open_losses = {loss.name: loss for loss in losses if loss.name not in decisions.drops}
    for table, new in dict.fromkeys((_within(loss), n) for loss in losses for n in loss.candidates):
        possible = [loss for loss in open_losses.values() if new in loss.candidates and _within(loss) == table]
        if not possible:
            continue
        candidates = sorted((_candidate(loss, new, evidence) for loss in possible), key=lambda each: -each.score)
        chosen = questioner.choose_old_name(f"{table}.{new}" if table else new, candidates)
        if chosen is not None:
            loss = open_losses.pop(chosen)
            if loss.is_value:
                decisions = decisions.with_value_rename(ValueRename(loss.name, new))
            else:
                decisions = decisions.with_rename(Rename(loss.table, loss.column, new))
    return decisions


def _within(loss: Loss) -> str | None:
    """The table, or the enum, in which a new name is looked for; None for a table's own name."""
    return loss.new_table if loss.column else None


def _candidate(loss: Loss, new: str, evidence: Evidence) -> Candidate:
    if loss.column is None:
        return evidence.of_table(loss.table, new)
    if loss.is_value:
        return Candidate(loss.name, "", likeness(loss.column, new))
    return evidence.of_column(loss.new_table, loss.column, new, loss.name)


def settle_drops(losses: Sequence[Loss], decisions: Decisions, questioner: Questioner | None) -> None:
    """Let pass what a person said may go.

    Raises:
        Refused: a loss is left that nobody answered for; with the flags to paste.
    """
    unanswered = [loss for loss in losses if loss.name not in decisions.drops]
    # a value that goes and nothing that comes is no question, and rows that hold it stop the upgrade
    unanswered = [loss for loss in unanswered if not loss.is_value or (loss.candidates and questioner is None)]
    if questioner is not None:
        unanswered = [loss for loss in unanswered if not questioner.confirm_drop(loss.name)]
    if unanswered:
        names = ", ".join(loss.name for loss in unanswered)
        flags = "\n       ".join("  or  ".join(loss.flags) for loss in unanswered)
        raise Refused(
            f"this revision would drop {names}",
            why="the models no longer have it: renamed, or to go with all it holds? That cannot be guessed",
            do=f"say which, for each:\n       {flags}",
            losses=[loss.name for loss in unanswered],
        )
