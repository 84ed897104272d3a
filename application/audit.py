"""The audit log: who changed what, written in the transaction that changes it, or not at all.

A session made with `sync_session_class=AuditedSession` writes a row of `AuditLog` for each record that it creates,
changes or deletes. Whoever acts is named beforehand with `set_actor()`; a change by nobody is an error.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import event, insert, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import InstanceState, Session, UOWTransaction

from models import AuditLog, utc_now

SECRET_CHANGED = "set"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes the changes: a user, or a command (without a key)."""

    user_id: uuid.UUID | None
    name: str


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def set_actor(actor: Actor | None) -> None:
    """Name who makes the changes of this task from here on."""
    _actor.set(actor)


def current_actor() -> Actor | None:
    """Who was named in this task."""
    return _actor.get()


class AuditedSession(Session):
    """A session whose changes are written to the audit log."""


def audited_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """What makes the sessions for changes that people make."""
    return async_sessionmaker(engine, sync_session_class=AuditedSession, expire_on_commit=False)


# after the flush, because a key that the database counts up is known only then
@event.listens_for(AuditedSession, "after_flush")
def _write_audit_rows(session: Session, context: UOWTransaction) -> None:
    rows = list(_audit_rows(session))
    if rows:
        # not session.add(): that would need another flush, and could be left undone
        session.connection().execute(insert(AuditLog.__table__), rows)


def _audit_rows(session: Session) -> Iterator[dict[str, Any]]:
    changed = (record for record in session.dirty if session.is_modified(record))
    groups: tuple[tuple[str, Iterable[Any]], ...] = (
        ("created", session.new),
        ("changed", changed),
        ("deleted", session.deleted),
    )
    for action, records in groups:
        yield from (_audit_row(action, record) for record in records if not isinstance(record, AuditLog))


def _audit_row(action: str, record: Any) -> dict[str, Any]:
    actor = _actor.get()
    if actor is None:
        raise RuntimeError(f"{type(record).__name__} is {action} by nobody: name who acts with set_actor()")
    key = inspect(type(record)).primary_key_from_instance(record)
    return {
        "created_at": utc_now(),
        "user_id": actor.user_id,
        "actor": actor.name,
        "action": action,
        "model": type(record).__name__,
        "record_id": ",".join(str(part) for part in key),
        "changes": dict(_changes(action, record)),
    }


def _changes(action: str, record: Any) -> Iterator[tuple[str, Any]]:
    """Each field that differs, with its old and new value; of a secret column only that it was set."""
    state = inspect(record)
    for attribute in state.mapper.column_attrs:
        old, new = _old_and_new(action, state, attribute.key)
        if old == new:
            continue
        if secret := attribute.columns[0].info.get("secret"):
            yield secret, SECRET_CHANGED
        else:
            yield attribute.key, {"old": _as_json(old), "new": _as_json(new)}


def _old_and_new(action: str, state: InstanceState[Any], name: str) -> tuple[Any, Any]:
    if action == "created":
        return None, state.dict.get(name)
    if action == "deleted":
        return state.dict.get(name), None
    history = state.attrs[name].history
    return next(iter(history.deleted), None), next(iter(history.added), None)


def _as_json(value: Any) -> Any:
    """What JSON has no word for, as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date | time) else str(value)
