"""What all tables have in common."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, DateTime, Numeric, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import SQLModel


class Base(DeclarativeBase):
    """The declarative classes; their tables and those of the SQLModel classes are in one place."""

    metadata = SQLModel.metadata
    type_annotation_map = {
        str: String(120),
        datetime: DateTime(timezone=True),
        Decimal: Numeric(10, 2),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Dated:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime | None] = mapped_column(default=None)
