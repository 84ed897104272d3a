"""The third year: what is left out so far is filled in, and asked for; keys say what becomes of their rows."""

from school.step import Added, Changed, Edit, Step, behind, gone

STEPS = (
    Step(
        "Add display names and checksums",
        edits=(
            behind(
                "people.py",
                '    locale: Mapped[str] = mapped_column(String(5), server_default="de")\n',
                "    display_name: Mapped[str | None] = mapped_column(String(200))\n",
            ),
            behind(
                "office.py",
                "    body: Mapped[bytes] = mapped_column(LargeBinary)\n",
                "    checksum: Mapped[str | None] = mapped_column(String(64))\n",
            ),
            Edit(
                "money.py",
                "    iban: Mapped[str] = mapped_column(String(34))\n",
                "    iban: Mapped[str] = mapped_column(String(34), unique=True)\n",
            ),
            Edit(
                "teaching.py",
                '    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.person_id"))\n',
                '    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.person_id"), index=True)\n',
            ),
        ),
        rows=(Added("people.display_name"), Added("documents.checksum")),
        says=("add column people.display_name", "create index ix_courses_teacher_id on courses (teacher_id)"),
    ),
    Step(
        "Fill display names and sizes",
        up=(
            "people = tables(op).people",
            "for batch in batches(op, sa.select(people).where(people.c.display_name.is_(None)), size=4):",
            '    named = lambda row: f"{row.preferred_name or row.given_name} {row.family_name}"',
            '    batch.update(lambda row: {"display_name": named(row)})',
            "documents = tables(op).documents",
            "size = sa.func.length(documents.c.body)",
            "op.execute(documents.update().where(documents.c.size.is_(None)).values(size=size))",
        ),
        rows=(
            Changed(
                "people.display_name",
                lambda row: f"{row['preferred_name'] or row['given_name']} {row['family_name']}",
                {},
            ),
            Changed("documents.size", {None: 4}, {}),
        ),
    ),
    Step(
        "Require display names and sizes",
        edits=(
            Edit(
                "people.py",
                "    display_name: Mapped[str | None] = mapped_column(String(200))\n",
                "    display_name: Mapped[str] = mapped_column(String(200), index=True)\n",
            ),
            Edit(
                "office.py",
                "    size: Mapped[int | None] = mapped_column(BigInteger)\n",
                "    size: Mapped[int] = mapped_column(BigInteger)\n",
            ),
            Edit(
                "office.py",
                """CheckConstraint("title NOT LIKE '%:%'", name="ck_documents_title"),)""",
                """CheckConstraint("title NOT LIKE '%:%'", name="ck_documents_title"), CheckConstraint("size >= 0"))""",
            ),
            Edit("people.py", "    doctor: Mapped[str | None]\n", "    doctor: Mapped[str]\n"),
            Edit(
                "assessment.py",
                "    body: Mapped[str | None] = mapped_column(Text)\n",
                "    body: Mapped[str] = mapped_column(Text)\n",
            ),
        ),
        flags=("--default", "health_records.doctor=unknown", "--default", "reports.body=it's 100%: to come"),
        rows=(
            Changed("health_records.doctor", {None: "unknown"}, {}),
            Changed("reports.body", {None: "it's 100%: to come"}, {}),
        ),
    ),
    Step(
        "Say what goes with whom",
        edits=(
            Edit(
                "people.py",
                ' = mapped_column(ForeignKey("people.id"))\n    kind:',
                ' = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))\n    kind:',
            ),
            Edit(
                "people.py",
                """\
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), primary_key=True)
    guardian_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
""",
                """\
    student_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("students.person_id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    guardian_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
""",
            ),
            Edit("people.py", 'ForeignKey("houses.id")', 'ForeignKey("houses.id", ondelete="SET NULL")'),
            Edit("people.py", "use_alter=True", 'use_alter=True, ondelete="SET NULL"'),
            Edit(
                "people.py",
                'mapped_column(ForeignKey("staff.person_id"))',
                'mapped_column(ForeignKey("staff.person_id", ondelete="SET NULL"))',
            ),
            Edit("library.py", 'max_length=13, ondelete="CASCADE"', 'max_length=13, ondelete="RESTRICT"'),
            Edit("teaching.py", 'ForeignKey("lessons.id", ondelete="CASCADE")', 'ForeignKey("lessons.id")'),
            Edit("assessment.py", 'name="fk_marks_grade"', 'name="fk_marks_grade", onupdate="CASCADE"'),
        ),
        says=("staff", "departments", "guardianships"),
    ),
    Step(
        "Tie loose ends",
        edits=(
            Edit("services.py", 'day: date = Field(foreign_key="menus.day")', "day: date = Field(index=True)"),
            Edit(
                "services.py",
                'driver_id: uuid.UUID | None = Field(default=None, foreign_key="staff.person_id")',
                'driver_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")',
            ),
            Edit(
                "access.py",
                '    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))\n',
                "    user_id: Mapped[int | None]\n",
            ),
            Edit(
                "assessment.py",
                "    scale_id: Mapped[int]\n",
                '    scale_id: Mapped[int] = mapped_column(ForeignKey("grading_scales.id"))\n',
            ),
            behind(
                "rooms.py",
                '    room_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id"))\n',
                """\
    holder_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
""",
            ),
            Edit("rooms.py", "import enum\n", "import enum\nimport uuid\n"),
            gone("money.py", ", index=True"),
        ),
        rows=(Added("devices.holder_id"),),
    ),
)
