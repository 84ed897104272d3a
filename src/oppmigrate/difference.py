"""Models against migrations: what `create` writes down and `check` reports."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from alembic.runtime.migration import MigrationContext, RevisionStep

from oppmigrate.autogenerate import Draft
from oppmigrate.autogenerate.decisions import Decisions, Questioner
from oppmigrate.autogenerate.defaults import check_down_defaults, down_defaults, settle_defaults
from oppmigrate.autogenerate.evidence import Evidence
from oppmigrate.autogenerate.losses import ask_renames, check_drops, find_losses, settle_drops
from oppmigrate.autogenerate.renaming import carry_out
from oppmigrate.autogenerate.rows_there import RowsThere
from oppmigrate.autogenerate.sequences import carry_out_on_sequences
from oppmigrate.autogenerate.tightening import down_fills, settle_nulls
from oppmigrate.autogenerate.value_renames import carry_out_values
from oppmigrate.blame import line_behind
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import MigrateError, MigrationFailed
from oppmigrate.planner import Beginning, State, TriedStep, beginning_at_heads, noted_step, run_in_scratch

ComparedWith = Literal["database", "scratch"]
# as env.py sees the command line
AUTOGENERATE: dict[str, Any] = {"command": "revision", "autogenerate": True}


def draft_revision(
    environment: Environment, state: State, message: str, decisions: Decisions | None = None, **options: Any
) -> tuple[Draft, ComparedWith]:
    """Compare the models with the migrations and draft the revision that would bring them together.

    The models are compared with the project's database where that is at the heads; otherwise, and where something
    was renamed, with a scratch database that all revisions are run on: the answer is the same for a database that
    is behind, that does not exist yet, or that cannot be reached. For a rename in a database that is at the heads,
    they need not be run where the server can tell what they have made.

    Args:
        options: those of `Draft`.
    """
    decisions = decisions or Decisions()
    draft = _new_draft(environment, message, **options)
    if state.is_at_heads and not decisions.renames_anything:
        environment.run(Visit(_compare(draft, decisions), template_args=draft.template_args), **AUTOGENERATE)
        return draft, "database"
    beginning = _beginning(state, decisions)
    if beginning is not None:
        with suppress(MigrateError):  # it is told of a run from the first revision on
            _fill_in_scratch(environment, draft, state, decisions, [], beginning)
            return draft, "scratch"
        draft = _new_draft(environment, message, **options)
    running: list[TriedStep] = []
    try:
        _fill_in_scratch(environment, draft, state, decisions, running)
    except MigrateError as error:
        if not running:
            raise
        raise _failed_in_scratch(environment, running[0], error) from error
    return draft, "scratch"


def _beginning(state: State, decisions: Decisions) -> Beginning | None:
    """Where the scratch database may begin; the tables of an enum's values are not known before it is looked at."""
    if decisions.value_renames:
        return None
    return beginning_at_heads(state, {rename.table for rename in decisions.renames})


def _fill_in_scratch(
    environment: Environment,
    draft: Draft,
    state: State,
    decisions: Decisions,
    running: list[TriedStep],
    beginning: Beginning | None = None,
) -> None:
    work = _upgrade_and_compare(environment, draft, state, decisions, running, beginning)
    run_in_scratch(environment, state, Visit(work, template_args=draft.template_args), **AUTOGENERATE)


def draft_decided_revision(
    environment: Environment,
    state: State,
    message: str,
    decisions: Decisions,
    questioner: Questioner | None,
    **options: Any,
) -> tuple[Draft, ComparedWith]:
    """`draft_revision`, with every question answered: by the decisions, else by the questioner.

    Raises:
        Refused: something would be dropped, or a NOT NULL column has no value for the rows there, and nobody said
            what is to be done.
        WrongUsage: a decision is about something that is not there.
    """
    draft, compared_with = draft_revision(environment, state, message, decisions, **options)
    losses = find_losses(draft.operations, decisions)
    check_drops(losses, decisions)
    if questioner is not None:
        evidence = Evidence(draft.operations, _rows_there(state, decisions))
        asked = ask_renames(losses, decisions, questioner, evidence)
        if asked != decisions:
            decisions = asked
            draft, compared_with = draft_revision(environment, state, message, decisions, **options)
            losses = find_losses(draft.operations, decisions)
    settle_drops(losses, decisions, questioner)
    tightened, filled_back = draft.columns_to_tighten, draft.columns_tightened_back
    brought_back = draft.columns_brought_back
    check_down_defaults((*filled_back, *brought_back), decisions)
    count = _rows_there(state, decisions).nulls
    draft.fill_nulls(
        settle_nulls(tightened, draft.model_columns, decisions, questioner, count), down_fills(filled_back, decisions)
    )
    draft.fill(
        settle_defaults(draft.columns_to_fill, decisions, questioner, tightened),
        down_defaults(brought_back, decisions),
        state.database,
    )
    if decisions.casts:
        draft.cast(decisions.casts, environment.database())
    return draft, compared_with


def _rows_there(state: State, decisions: Decisions) -> RowsThere:
    """The rows of the project's database, where that stands at the heads."""
    is_known = state.is_at_heads and len(state.databases) <= 1
    return RowsThere(state.database if is_known else None, decisions)


def empty_draft(environment: Environment, message: str, **options: Any) -> Draft:
    """A revision with nothing in it, for what is written by hand.

    Asks neither models nor database, unless the configuration says `revision_environment = true`: what env.py then
    has to say about the file (template_args, process_revision_directives) counts.
    """
    draft = _new_draft(environment, message, **options)
    if environment.config().get_alembic_boolean_option("revision_environment"):
        environment.run(Visit(_shape(draft), template_args=draft.template_args), command="revision")
    return draft


def _new_draft(environment: Environment, message: str, **options: Any) -> Draft:
    config = environment.config(**AUTOGENERATE)
    return Draft(config, environment.script(config), message, **options)


def _shape(draft: Draft) -> Any:
    def work(heads: tuple[str, ...], context: MigrationContext) -> tuple[RevisionStep, ...]:
        draft.leave_empty(heads, context)
        return ()

    return work


def _failed_in_scratch(environment: Environment, step: TriedStep, error: MigrateError) -> MigrationFailed:
    shown = environment.settings.shown(step.path)
    at = line_behind(error, step.path, environment.settings.project)
    return MigrationFailed(
        f"revision {step.revision} ({step.message}) cannot be run on an empty database: {error.what}{at}",
        why=error.why,
        do=f"nothing was changed: it was run in a scratch database, to compare the models with. Mend {shown}, "
        "or apply what is pending first: python oppman.py migrate upgrade",
        revision=step.revision,
    )


def _compare(draft: Draft, decisions: Decisions) -> Any:
    def work(heads: tuple[str, ...], context: MigrationContext) -> tuple[RevisionStep, ...]:
        draft.autogenerate(heads, context, decisions.drops)
        return ()

    return work


def _upgrade_and_compare(
    environment: Environment,
    draft: Draft,
    state: State,
    decisions: Decisions,
    running: list[TriedStep],
    beginning: Beginning | None,
) -> Any:
    """The work on the scratch database; `running` holds the step that it is at."""

    def note(step: TriedStep) -> None:
        running[:] = [step]

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[Any]:
        if beginning is not None:
            yield from beginning.steps(context)
        else:
            for file in state.graph.upgrade_path("heads", ()):
                yield noted_step(context, TriedStep(file, "upgrade"), note)
        running.clear()
        # Alembic asks for more steps once the last one is applied: the scratch database stands at the heads
        database = environment.database()
        renames, of_tables = carry_out_on_sequences(decisions.renames, context, database)
        renames += carry_out(of_tables, context, database)
        renames += carry_out_values(decisions.value_renames, decisions.renames, context, database)
        draft.autogenerate(context.get_current_heads(), context, decisions.drops)
        draft.begin_with(renames)

    return work
