"""Everybody at the school: students, those who are responsible for them, those who work there."""

import enum
import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Dated


class Gender(enum.Enum):
    female = "female"
    male = "male"
    other = "other"


class AddressKind(enum.Enum):
    home = "home"
    post = "post"
    bill = "bill"


class StudentStatus(enum.Enum):
    applicant = "applicant"
    enrolled = "enrolled"
    left = "left"


class Relation(enum.Enum):
    mother = "mother"
    father = "father"
    guardian = "guardian"


class Contract(enum.Enum):
    permanent = "permanent"
    fixed = "fixed"
    hourly = "hourly"


class Person(Dated, Base):
    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("length(surname) > 0", name="ck_people_surname"),
        Index("ix_people_surname_given_name", "surname", "given_name"),
        {"comment": "Everybody, whatever they do at the school"},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    given_name: Mapped[str] = mapped_column(String(80))
    surname: Mapped[str] = mapped_column(String(80))
    born: Mapped[date | None]
    gender: Mapped[Gender | None] = mapped_column(Enum(Gender, name="gender"))
    email: Mapped[str | None] = mapped_column(String(200), unique=True)
    phone: Mapped[str | None] = mapped_column(String(30))
    fax: Mapped[str | None] = mapped_column(String(30))
    notes: Mapped[dict[str, Any]] = mapped_column(comment="what the office writes down")

    addresses: Mapped[list["Address"]] = relationship(back_populates="person")


class Address(Base):
    __tablename__ = "addresses"
    __table_args__ = (UniqueConstraint("person_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[AddressKind] = mapped_column(
        Enum(AddressKind, name="address_kind", native_enum=False, create_constraint=True, length=10)
    )
    street: Mapped[str]
    city: Mapped[str] = mapped_column(String(80), index=True)
    postcode: Mapped[str] = mapped_column(String(10))
    country: Mapped[str] = mapped_column(String(2), server_default="DE")

    person: Mapped[Person] = relationship(back_populates="addresses")


class House(Base):
    __tablename__ = "houses"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    colour: Mapped[str] = mapped_column(String(7), server_default="#ffffff")


class Student(Base):
    __tablename__ = "students"
    __table_args__ = (CheckConstraint("left_on IS NULL OR left_on >= enrolled_on", name="ck_students_left_on"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    house_id: Mapped[int | None] = mapped_column(ForeignKey("houses.id"))
    status: Mapped[StudentStatus] = mapped_column(
        Enum(StudentStatus, name="student_status"), server_default="applicant"
    )
    enrolled_on: Mapped[date]
    left_on: Mapped[date | None]
    religion: Mapped[str | None] = mapped_column(String(40))


class Guardianship(Base):
    __tablename__ = "guardianships"

    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), primary_key=True)
    guardian_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    relation: Mapped[Relation] = mapped_column(Enum(Relation, name="relation"))
    is_primary: Mapped[bool] = mapped_column(default=False)


class EmergencyContact(Base):
    __tablename__ = "emergency_contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(String(30))
    rank: Mapped[int] = mapped_column(server_default="1")


class HealthRecord(Base):
    __tablename__ = "health_records"

    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), primary_key=True)
    allergies: Mapped[list[str]]
    blood_type: Mapped[str | None] = mapped_column(String(3))
    doctor: Mapped[str | None]
    remarks: Mapped[str] = mapped_column(Text)


class Department(Base):
    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    # a department is led by one of its own staff
    head_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.person_id", name="fk_departments_head_id", use_alter=True)
    )
    cost_centre: Mapped[str] = mapped_column(String(10))


class Staff(Base):
    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("weekly_hours > 0 AND weekly_hours <= 40", name="ck_staff_weekly_hours"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(4), unique=True, comment="as timetables show it")
    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"))
    manager_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.person_id"))
    contract: Mapped[Contract] = mapped_column(Enum(Contract, name="contract"))
    weekly_hours: Mapped[int]
    hired_on: Mapped[date]
    fax: Mapped[str] = mapped_column(String(30))
