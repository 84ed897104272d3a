"""Buses, meals and clubs; written with SQLModel."""

import uuid
from datetime import date, time
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel


class Vehicle(SQLModel, table=True):
    __tablename__ = "vehicles"

    id: int | None = Field(default=None, primary_key=True)
    plate: str = Field(max_length=12, unique=True)
    seats: int
    driver_id: uuid.UUID | None = Field(default=None, foreign_key="staff.person_id")


class Route(SQLModel, table=True):
    __tablename__ = "routes"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=40, unique=True)
    vehicle_id: int = Field(foreign_key="vehicles.id")


class Stop(SQLModel, table=True):
    __tablename__ = "stops"
    __table_args__ = (UniqueConstraint("route_id", "position", name="uq_stops_route_id_position"),)

    id: int | None = Field(default=None, primary_key=True)
    route_id: int = Field(foreign_key="routes.id")
    position: int
    name: str = Field(max_length=60)
    arrives_at: time


class RouteRider(SQLModel, table=True):
    __tablename__ = "route_riders"

    student_id: uuid.UUID = Field(foreign_key="students.person_id", primary_key=True)
    route_id: int = Field(foreign_key="routes.id", primary_key=True)


class Dish(SQLModel, table=True):
    __tablename__ = "dishes"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=80)
    allergens: list[str] = Field(default_factory=list, sa_type=JSON)
    price: Decimal = Field(max_digits=5, decimal_places=2)


class Menu(SQLModel, table=True):
    __tablename__ = "menus"

    day: date = Field(primary_key=True)
    remark: str | None = Field(default=None, max_length=100)


class MealOrder(SQLModel, table=True):
    __tablename__ = "meal_orders"

    id: int | None = Field(default=None, primary_key=True)
    student_id: uuid.UUID = Field(foreign_key="students.person_id", index=True)
    day: date = Field(foreign_key="menus.day")
    dish_id: int | None = Field(default=None, foreign_key="dishes.id")
    is_paid: bool = False


class Club(SQLModel, table=True):
    __tablename__ = "clubs"
    __table_args__ = (CheckConstraint("places > 0", name="ck_clubs_places"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=60)
    leader_id: uuid.UUID = Field(foreign_key="staff.person_id")
    places: int
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class ClubMember(SQLModel, table=True):
    __tablename__ = "club_members"

    club_id: int = Field(foreign_key="clubs.id", primary_key=True)
    student_id: uuid.UUID = Field(foreign_key="students.person_id", primary_key=True)
    since: date | None = None
