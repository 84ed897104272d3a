"""The sixth year: circles, wider keys, and what the school does no more."""

from school.step import Added, Changed, Dropped, Edit, Renamed, Step, TableDropped, Touched, behind, gone

HEAD = """\
    # a department is led by one of its own staff
    head_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.person_id", name="fk_departments_head_id", use_alter=True, ondelete="SET NULL")
    )
"""
RIDERS = """\


class RouteRider(SQLModel, table=True):
    __tablename__ = "route_riders"

    student_id: uuid.UUID = Field(foreign_key="students.person_id", primary_key=True)
    route_id: int = Field(foreign_key="routes.id", primary_key=True)
"""
TRANSPORT = """class Vehicle(SQLModel, table=True):
    __tablename__ = "vehicles"

    id: int | None = Field(default=None, primary_key=True)
    plate: str = Field(max_length=12, unique=True)
    seats: int
    driver_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")


class Route(SQLModel, table=True):
    __tablename__ = "routes"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=40, unique=True)
    vehicle_id: int = Field(foreign_key="vehicles.id")


"""
STOPS = """class Stop(SQLModel, table=True):
    __tablename__ = "stops"
    __table_args__ = (UniqueConstraint("route_id", "position", name="uq_stops_route_id_position"),)

    id: int | None = Field(default=None, primary_key=True)
    route_id: int = Field(foreign_key="routes.id")
    position: int
    name: str = Field(max_length=60)
    arrives_at: time
"""

STEPS = (
    Step(
        "Let groups have speakers, and departments no heads",
        edits=(
            behind(
                "teaching.py",
                '    tutor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.person_id"))\n',
                """\
    speaker_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("students.person_id", name="fk_form_groups_speaker_id", use_alter=True, ondelete="SET NULL")
    )
""",
            ),
            behind(
                "people.py",
                "    enrolled_on: Mapped[date]\n",
                '    group_id: Mapped[int | None] = mapped_column(ForeignKey("form_groups.id"), index=True)\n',
            ),
            gone("people.py", HEAD),
        ),
        flags=("--drop", "departments.head_id"),
        rows=(Dropped("departments.head_id"), Added("form_groups.speaker_id"), Added("students.group_id")),
    ),
    Step(
        "Grant a role once",
        edits=(
            Edit(
                "access.py",
                "    scope: Mapped[str] = mapped_column(String(20), primary_key=True)\n",
                '    scope: Mapped[str] = mapped_column(String(20), server_default="school")\n',
            ),
        ),
    ),
    Step(
        "Widen keys and say states",
        edits=(
            Edit("people.py", 'name="student_status"', 'name="enrolment_status"'),
            Edit(
                "assessment.py",
                'UniqueConstraint("student_id", "term_id", name="uq_reports_student_id_term_id")',
                'UniqueConstraint("student_id", "term_id", "state", name="uq_reports_student_id_term_id")',
            ),
            Edit("teaching.py", "ix_courses_subject_code", "ix_courses_subject"),
            Edit(
                "teaching.py",
                "    code: Mapped[str] = mapped_column(String(8), primary_key=True)\n",
                "    code: Mapped[str] = mapped_column(String(12), primary_key=True)\n",
            ),
            Edit(
                "teaching.py",
                "    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)\n",
                "    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)\n",
            ),
        ),
        rows=(Touched("students"),),
    ),
    Step(
        "Say what is in the dishes",
        edits=(
            Edit(
                "services.py",
                "    allergens: list[str] = Field(default_factory=list, sa_type=JSON)\n",
                """\
    contains: list[str] = Field(
        default_factory=list, sa_type=JSON, sa_column_kwargs={"comment": "it's 100% of: allergens"}
    )
""",
            ),
            Edit(
                "services.py",
                "    remark: str | None = Field(default=None, max_length=100)\n",
                '    remark: str = Field(default="", max_length=100)\n',
            ),
            Edit("library.py", "    lent_on: date = Field(index=True)\n", "    lent_on: date\n"),
            Edit("library.py", "    due_on: date\n", "    due_on: date = Field(index=True)\n"),
        ),
        flags=("--rename", "dishes.allergens:contains", "--default", "menus.remark=none"),
        rows=(Renamed("dishes.allergens", "contains"), Changed("menus.remark", {None: "none"}, {})),
    ),
    Step(
        "Give transport away",
        edits=(
            gone("services.py", TRANSPORT),
            gone("services.py", STOPS),
            gone("services.py", RIDERS),
        ),
        flags=("--drop", "vehicles", "--drop", "routes", "--drop", "stops", "--drop", "route_riders"),
        rows=tuple(TableDropped(name) for name in ("vehicles", "routes", "stops", "route_riders")),
    ),
)
