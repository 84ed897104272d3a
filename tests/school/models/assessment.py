"""What students did, and did not do."""

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AbsenceReason(enum.Enum):
    ill = "ill"
    appointment = "appointment"
    truant = "truant"


class ReportState(enum.Enum):
    draft = "draft"
    checked = "checked"
    signed = "signed"


class Absence(Base):
    __tablename__ = "absences"
    __table_args__ = (UniqueConstraint("student_id", "lesson_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"))
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lessons.id"))
    reason: Mapped[AbsenceReason | None] = mapped_column(Enum(AbsenceReason, name="absence_reason"))
    minutes: Mapped[int | None]
    excused: Mapped[bool] = mapped_column(default=False)


class GradingScale(Base):
    __tablename__ = "grading_scales"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Grade(Base):
    __tablename__ = "grades"

    scale_id: Mapped[int] = mapped_column(ForeignKey("grading_scales.id"), primary_key=True)
    value: Mapped[str] = mapped_column(String(4), primary_key=True)
    label: Mapped[str] = mapped_column(String(40))
    points: Mapped[Decimal] = mapped_column(Numeric(4, 1))


class Mark(Base):
    __tablename__ = "marks"
    __table_args__ = (
        ForeignKeyConstraint(["scale_id", "grade"], ["grades.scale_id", "grades.value"], name="fk_marks_grade"),
        Index("ix_marks_student_id_given_at", "student_id", "given_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"))
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id"))
    scale_id: Mapped[int]
    grade: Mapped[str] = mapped_column(String(4))
    weight: Mapped[float] = mapped_column(server_default="1")
    given_at: Mapped[datetime] = mapped_column(DateTime())


class Exam(Base):
    __tablename__ = "exams"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id"))
    room_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id"))
    title: Mapped[str] = mapped_column(String(80))
    held_at: Mapped[datetime | None]
    max_points: Mapped[int]


class ExamSitting(Base):
    __tablename__ = "exam_sittings"
    __table_args__ = (CheckConstraint("points >= 0", name="ck_exam_sittings_points"),)

    exam_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exams.id"), primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), primary_key=True)
    points: Mapped[int]
    bonus: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None] = mapped_column(Computed("points + bonus", persisted=True))


class Report(Base):
    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("student_id", "term_id", name="uq_reports_student_id_term_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"))
    term_id: Mapped[int] = mapped_column(ForeignKey("terms.id"))
    state: Mapped[ReportState] = mapped_column(Enum(ReportState, name="report_state"), server_default="draft")
    body: Mapped[str | None] = mapped_column(Text)
    signed_on: Mapped[date | None]
