"""What the steps of a plan would do, recorded from their functions with nothing carried out and no database asked."""

import ast
import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from alembic.operations import BatchOperations, Operations, ops
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import TextClause, UpdateBase
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import ExecutableDDLElement

from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.planner.output import Output
from oppmigrate.planner.running import revision_step
from oppmigrate.planner.state import State
from oppmigrate.results import Plan, Step
from oppmigrate.safety import Noted, noting

_ABSENT = object()
# modules that reach files, programs, other hosts
REACHING = frozenset(
    """
    aiohttp asyncio boto3 celery ftplib http httpx importlib io kafka multiprocessing os paramiko pathlib
    pika redis requests shutil smtplib socket ssl subprocess tempfile threading urllib urllib3
    """.split()  # noqa: SIM905  a list would be a line a name
)


@dataclass
class Recording:
    """What a step would do.

    Args:
        is_whole: False where it asks the database, so that the rest of it cannot be told without running it.
        autocommits: part of it runs outside of a transaction.
        batches: it alters tables by `batch_alter_table`.
        noted: the operations again, up to where it asks the database, with what comments in the file allow.
    """

    operations: list[ops.MigrateOperation] = field(default_factory=list)
    is_whole: bool = True
    autocommits: bool = False
    batches: bool = False
    noted: Noted = field(default_factory=Noted)


def record_plan(environment: Environment, state: State, plan: Plan) -> dict[str, Recording]:
    """Every step's recording, by its revision; for several databases what it does on all of them.

    Cheap: each revision's function is called once, and nothing is compiled, connected to or copied.

    Raises:
        RevisionFileBroken: a file has no such function.
        EnvironmentFailed, ModelsBroken: `env.py` raises where it is run for SQL.
    """
    found: dict[str, Recording] = {}

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        tell_nobody(context)
        for step in plan.steps:
            recording = found.setdefault(step.revision, Recording())
            yield _recorded(visit, revision_step(context, step), recording, may_be_called=not reaches_out(step.path))

    visit = Visit(work)
    with _unlogged():
        environment.run_as_sql(visit, Output(), starting_rev=plan.start, reachable=state.reachable)
    return found


def tell_nobody(context: MigrationContext) -> None:
    """Keep `env.py`'s `on_version_apply` from hearing of revisions that are only looked at."""
    context.on_version_apply_callbacks = ()


def reaches_out(path: Path) -> bool:
    """Does a revision file use what may do something beside the database? Then its functions are run once only."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.partition(".")[0] in REACHING for name in names):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "__import__"):
            return True
    return False


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Alembic says `Running upgrade …` of each step, which is not so here."""
    logger = logging.getLogger("alembic.runtime.migration")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def recorded_operations(environment: Environment, state: State, step: Step) -> list[ops.MigrateOperation] | None:
    """A step's operations in order, those in batches too; None where they cannot be told without running it."""
    before = tuple(step.down_revisions) if step.direction == "upgrade" else (step.revision,)
    plan = Plan(step.direction, step.revision, before, (), (step,))
    recording = record_plan(environment, state, plan).get(step.revision)
    return recording.operations if recording is not None and recording.is_whole else None


def _recorded(visit: Visit, step: RevisionStep, recording: Recording, *, may_be_called: bool) -> RevisionStep:
    """The step, which on running only fills the recording."""
    migrate = step.migration_fn

    def record(**kw: Any) -> None:
        assert visit.operations is not None
        if not may_be_called:
            recording.is_whole = False
            return
        file = Path(step.revision.path)
        with _carrying_out_nothing(visit.operations, recording), noting(visit.operations, file) as recording.noted:
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # it says what it does when it does it
                    migrate(**kw)
            except Exception:  # of any kind: the file's own code meets answers that no database gave
                recording.is_whole = False

    step.migration_fn = record
    return step


class _Asked(Exception):
    """A question to the database, which nothing here can answer."""


@contextlib.contextmanager
def _carrying_out_nothing(operations: Operations, recording: Recording) -> Iterator[None]:
    """Record what is invoked meanwhile on this instance of `alembic.op`, and on the connection that it gives."""
    context = operations.migration_context
    bind = MockConnection(context.dialect, _answer(recording))

    @contextlib.contextmanager
    def batch_alter_table(table_name: str, schema: str | None = None, *_: Any, **__: Any) -> Iterator[BatchOperations]:
        recording.batches = True
        impl: Any = SimpleNamespace(table_name=table_name, schema=schema, dialect=context.dialect, bind=bind)
        batch = BatchOperations(context, impl=impl)
        batch.invoke = _recorder(context, recording)  # type: ignore[method-assign, assignment]
        yield batch

    @contextlib.contextmanager
    def autocommit_block() -> Iterator[None]:
        recording.autocommits = True
        yield

    def execute(sql: Any, *_: Any, **__: Any) -> None:
        recording.operations.append(ops.ExecuteSQLOp(sql))

    with ExitStack() as stack:
        for owner, name, stand_in in (
            (operations, "invoke", _recorder(context, recording)),
            (operations, "batch_alter_table", batch_alter_table),
            (context, "autocommit_block", autocommit_block),
            (context, "execute", execute),
            (context, "connection", bind),
            (context.impl, "connection", bind),
        ):
            stack.enter_context(in_place(owner, name, stand_in))
        yield


@contextlib.contextmanager
def in_place(owner: Any, name: str, stand_in: Any) -> Iterator[None]:
    """An instance's attribute, put back as it was at the end."""
    before = vars(owner).get(name, _ABSENT)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _recorder(context: MigrationContext, recording: Recording) -> Callable[[ops.MigrateOperation], Any]:
    def record(operation: ops.MigrateOperation) -> Any:
        recording.operations.append(operation)
        return operation.to_table(context) if isinstance(operation, ops.CreateTableOp) else None

    return record


def _answer(recording: Recording) -> Callable[..., None]:
    """What is executed on the connection itself: recorded where it asks for no answer and gives no values."""

    def answer(statement: Any, parameters: Any = None, *_: Any, **__: Any) -> None:
        tells = isinstance(statement, UpdateBase | ExecutableDDLElement) or _is_no_question(statement)
        if parameters or not tells:
            recording.is_whole = False  # also where the file catches what is raised
            raise _Asked
        recording.operations.append(ops.ExecuteSQLOp(statement))

    return answer


def _is_no_question(statement: Any) -> bool:
    words = statement.text.split(maxsplit=1) if isinstance(statement, TextClause) else []
    return bool(words) and words[0].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "COMMENT")
