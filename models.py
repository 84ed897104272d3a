"""The application's tables. Change a class here, then: `python oppman.py migrate create "what you changed"`."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Optional  # noqa: F401  Optional: models copied from older guides are written with it

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel


def utc_now() -> datetime:
    """The time now, in UTC and aware of it: SQLModel refuses times without a time zone."""
    return datetime.now(UTC)


class User(SQLModel, table=True):
    """A person who can log in; superusers may use the admin at /admin."""

    __tablename__ = "users"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    email: str = Field(max_length=320, unique=True, index=True)
    # "secret" is the name under which the audit log notes a change of the column, in place of its value
    hashed_password: str = Field(max_length=255, repr=False, sa_column_kwargs={"info": {"secret": "password"}})
    is_active: bool = Field(default=True)
    is_superuser: bool = Field(default=False)
    is_staff: bool = Field(default=False)
    group: str | None = Field(default=None, max_length=100)

    def __str__(self) -> str:
        return self.email


class Product(SQLModel, table=True):
    """Something for sale."""

    __tablename__ = "products"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(max_length=200, index=True)
    description: str | None = Field(default=None, sa_type=Text)
    price: Decimal = Field(max_digits=10, decimal_places=2)
    category: str | None = Field(default=None, max_length=100, index=True)
    in_stock: bool = Field(default=True)
    created_at: datetime = Field(default_factory=utc_now)

    def __str__(self) -> str:
        return self.name


class AuditLog(SQLModel, table=True):
    """One change made by a person: who, when, to which record, and each field's old and new value."""

    __tablename__ = "audit_logs"

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, index=True)
    # the log outlives the user, so the email stands beside the key
    user_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    actor: str = Field(max_length=320)
    action: str = Field(max_length=20)
    model: str = Field(max_length=100)
    record_id: str = Field(max_length=255)
    changes: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

    def __str__(self) -> str:
        return f"{self.action} {self.model} {self.record_id}"
