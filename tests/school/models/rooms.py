"""Where things happen, and what stands there."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Building(Base):
    __tablename__ = "buildings"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(3), unique=True)
    name: Mapped[str]
    built: Mapped[str] = mapped_column(String(10))


class Room(Base):
    __tablename__ = "rooms"
    __table_args__ = (
        UniqueConstraint("building_id", "number", name="uq_rooms_building_id_number"),
        CheckConstraint("seats >= 0"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"))
    number: Mapped[str] = mapped_column(String(10))
    seats: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id"))


class Device(Base):
    __tablename__ = "devices"
    __table_args__ = (Index("ix_devices_kind", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    room_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id"))
    bought_on: Mapped[date]
    price: Mapped[float]
    in_use: Mapped[bool]
