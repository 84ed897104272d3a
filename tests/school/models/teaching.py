"""What is taught, to whom, by whom and when."""

import enum
import uuid
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Dated


class Weekday(enum.Enum):
    monday = 1
    tuesday = 2
    wednesday = 3
    thursday = 4
    friday = 5


class SchoolYear(Base):
    __tablename__ = "school_years"
    __table_args__ = (CheckConstraint("ends_on > starts_on", name="ck_school_years_ends_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(9), unique=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]


class Term(Base):
    __tablename__ = "terms"
    __table_args__ = (UniqueConstraint("year_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    year_id: Mapped[int] = mapped_column(ForeignKey("school_years.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    starts_on: Mapped[date]


class Subject(Base):
    __tablename__ = "subjects"

    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    title: Mapped[str] = mapped_column(String(60))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("subjects.code"))


class SchoolClass(Base):
    __tablename__ = "classes"
    __table_args__ = (
        UniqueConstraint("year_id", "name"),
        CheckConstraint("capacity BETWEEN 1 AND 40", name="ck_classes_capacity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    year_id: Mapped[int] = mapped_column(ForeignKey("school_years.id"))
    name: Mapped[str] = mapped_column(String(20))
    tutor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.person_id"))
    capacity: Mapped[int] = mapped_column(server_default="28")


class ClassMember(Base):
    __tablename__ = "class_members"

    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"), primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), primary_key=True)
    joined_on: Mapped[date | None]


class Course(Dated, Base):
    __tablename__ = "courses"
    __table_args__ = (Index("ix_courses_subject_code", "subject_code"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    subject_code: Mapped[str] = mapped_column(ForeignKey("subjects.code"))
    class_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id"))
    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.person_id"))
    hours: Mapped[Decimal] = mapped_column(Numeric(3, 1))
    description: Mapped[str | None] = mapped_column(String(200))


course_terms = Table(
    "course_terms",
    Base.metadata,
    Column("course_id", ForeignKey("courses.id"), primary_key=True),
    Column("term_id", ForeignKey("terms.id"), primary_key=True),
)


class Period(Base):
    __tablename__ = "periods"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    starts_at: Mapped[time]
    ends_at: Mapped[time]


class TimetableSlot(Base):
    __tablename__ = "timetable_slots"
    __table_args__ = (UniqueConstraint("room_id", "weekday", "period_id", name="uq_timetable_slots_room"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id"))
    period_id: Mapped[int] = mapped_column(ForeignKey("periods.id"))
    weekday: Mapped[Weekday] = mapped_column(Enum(Weekday, name="weekday"))


class Lesson(Base):
    __tablename__ = "lessons"
    __table_args__ = (
        Index(
            "ix_lessons_cancelled",
            "held_on",
            sqlite_where=Column("cancelled"),
            postgresql_where=Column("cancelled"),
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("timetable_slots.id"))
    held_on: Mapped[date]
    substitute_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.person_id"))
    topic: Mapped[str | None] = mapped_column(String(100))
    cancelled: Mapped[bool] = mapped_column(server_default=false())


class Homework(Base):
    __tablename__ = "homework"

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), index=True)
    task: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
