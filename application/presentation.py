"""How values of the database look in the admin's pages."""

import uuid
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup
from sqladmin.formatters import BASE_FORMATTERS

from models import AuditLog

ACTION_COLOURS = {"created": "green", "changed": "azure", "deleted": "red"}


def show_time(value: datetime) -> Markup:
    """A time in UTC to the second; microseconds are in the tooltip."""
    utc = value.astimezone(UTC)
    return Markup('<span title="{}">{} <span class="text-secondary">UTC</span></span>').format(
        utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S")
    )


def show_short_key(value: uuid.UUID) -> Markup:
    """The first part of a key, enough to tell rows apart; the whole is in the tooltip."""
    return Markup('<code title="{}">{}…</code>').format(value, str(value)[:8])


def show_key(value: uuid.UUID) -> Markup:
    """A whole key."""
    return Markup("<code>{}</code>").format(value)


def show_boolean(value: bool) -> Markup:
    """Yes or no in words as well as in colour."""
    colour, word = ("green", "Yes") if value else ("secondary", "No")
    return Markup('<span class="badge bg-{0}-lt">{1}</span>').format(colour, word)


def show_action(row: AuditLog, attribute: str) -> Markup:
    """What was done, as a badge."""
    return Markup('<span class="badge bg-{}-lt">{}</span>').format(
        ACTION_COLOURS.get(row.action, "secondary"), row.action
    )


def show_record(row: AuditLog, attribute: str) -> Markup:
    """The key of the record that was changed; long ones are cut."""
    shown = f"{row.record_id[:8]}…" if len(row.record_id) > 12 else row.record_id
    return Markup('<code title="{}">{}</code>').format(row.record_id, shown)


def show_fields(row: AuditLog, attribute: str) -> str:
    """The names of the changed fields, for a list; a whole record is too long for it."""
    if row.action == "changed":
        return ", ".join(row.changes)
    return f"{len(row.changes)} fields"


def show_changes(row: AuditLog, attribute: str) -> Markup:
    """Every changed field with its old and new value."""
    lines = [_show_change(name, change) for name, change in row.changes.items()]
    return Markup('<dl class="mb-0">{}</dl>').format(Markup("").join(lines))


def _show_change(name: str, change: Any) -> Markup:
    if not isinstance(change, dict):
        return Markup("<dt>{}</dt><dd>{}</dd>").format(name, change)
    return Markup('<dt>{}</dt><dd class="text-wrap">{} → {}</dd>').format(
        name, _show_value(change.get("old")), _show_value(change.get("new"))
    )


def _show_value(value: Any) -> Markup:
    if value is None or value == "":
        return Markup('<span class="text-secondary">{}</span>').format("nothing" if value is None else "empty")
    if isinstance(value, bool):
        return show_boolean(value)
    return Markup("<span>{}</span>").format(value)


LIST_FORMATTERS = {**BASE_FORMATTERS, bool: show_boolean, datetime: show_time, uuid.UUID: show_short_key}
DETAIL_FORMATTERS = {**LIST_FORMATTERS, uuid.UUID: show_key}
