"""The first year: names change, of values, columns and tables; something comes, something goes."""

from school.step import Added, Changed, Dropped, Edit, Renamed, Step, TableRenamed, behind, gone

STEPS = (
    Step(
        "Add preferred names and locales",
        edits=(
            behind(
                "people.py",
                "    surname: Mapped[str] = mapped_column(String(80))\n",
                """\
    preferred_name: Mapped[str | None] = mapped_column(String(80))
    locale: Mapped[str] = mapped_column(String(5), server_default="de")
""",
            ),
            Edit(
                "people.py",
                "    born: Mapped[date | None]\n",
                "    born: Mapped[date | None] = mapped_column(index=True)\n",
            ),
            behind(
                "office.py", "    size: Mapped[int | None]\n", "    pages: Mapped[int] = mapped_column(default=1)\n"
            ),
        ),
        rows=(Added("people.preferred_name"), Added("people.locale", "de"), Added("documents.pages", 1)),
        says=("add column people.preferred_name", "create index ix_people_born on people (born)"),
        written=("UPDATE people SET preferred_name = 'Kim' WHERE phone IS NOT NULL",),
    ),
    Step(
        "Say family name",
        edits=(
            Edit(
                "people.py",
                'CheckConstraint("length(surname) > 0", name="ck_people_surname")',
                'CheckConstraint("length(family_name) > 0", name="ck_people_family_name")',
            ),
            Edit(
                "people.py",
                'Index("ix_people_surname_given_name", "surname", "given_name")',
                'Index("ix_people_family_name_given_name", "family_name", "given_name")',
            ),
            Edit("people.py", "    surname: Mapped[str] ", "    family_name: Mapped[str] "),
            Edit("people.py", "    number: Mapped[str] ", "    admission_number: Mapped[str] "),
            Edit("people.py", "    code: Mapped[str] ", "    initials: Mapped[str] "),
        ),
        flags=(
            *("--rename", "people.surname:family_name", "--rename", "students.number:admission_number"),
            *("--rename", "staff.code:initials"),
        ),
        rows=(
            Renamed("people.surname", "family_name"),
            Renamed("students.number", "admission_number"),
            Renamed("staff.code", "initials"),
        ),
        says=("alter column people.surname: rename to family_name",),
    ),
    Step(
        "Tell who came late",
        edits=(
            Edit("assessment.py", '    truant = "truant"\n', '    unexcused = "unexcused"\n    late = "late"\n'),
            Edit("assessment.py", "    minutes: Mapped[int | None]\n", "    minutes: Mapped[int]\n"),
            Edit("people.py", '    bill = "bill"\n', '    invoice = "invoice"\n    work = "work"\n'),
        ),
        flags=(
            *("--rename-value", "absence_reason.truant:unexcused", "--rename-value", "addresses.kind.bill:invoice"),
            *("--default", "absences.minutes=0"),
        ),
        rows=(
            Changed("absences.reason", {"truant": "unexcused"}, {"unexcused": "truant"}),
            Changed("absences.minutes", {None: 0}, {}),
            Changed("addresses.kind", {"bill": "invoice"}, {"invoice": "bill"}),
        ),
    ),
    Step(
        "Call classes groups",
        edits=(
            Edit(
                "teaching.py",
                'class SchoolClass(Base):\n    __tablename__ = "classes"\n',
                'class FormGroup(Base):\n    __tablename__ = "form_groups"\n',
            ),
            Edit("teaching.py", "ck_classes_capacity", "ck_form_groups_capacity"),
            Edit(
                "teaching.py",
                'class ClassMember(Base):\n    __tablename__ = "class_members"\n',
                'class GroupMember(Base):\n    __tablename__ = "group_members"\n',
            ),
            Edit(
                "teaching.py",
                '    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"), primary_key=True)\n',
                '    group_id: Mapped[int] = mapped_column(ForeignKey("form_groups.id"), primary_key=True)\n',
            ),
            Edit(
                "teaching.py",
                '    class_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id"))\n',
                '    group_id: Mapped[int | None] = mapped_column(ForeignKey("form_groups.id"))\n',
            ),
        ),
        flags=(
            *("--rename", "classes:form_groups", "--rename", "class_members:group_members"),
            *("--rename", "class_members.class_id:group_id", "--rename", "courses.class_id:group_id"),
        ),
        rows=(
            TableRenamed("classes", "form_groups"),
            TableRenamed("class_members", "group_members"),
            Renamed("group_members.class_id", "group_id"),
            Renamed("courses.class_id", "group_id"),
        ),
        says=("rename table classes to form_groups", "rename table class_members to group_members"),
    ),
    Step(
        "Take no fax",
        edits=(
            gone("people.py", "    fax: Mapped[str | None] = mapped_column(String(30))\n"),
            gone("people.py", "    fax: Mapped[str] = mapped_column(String(30))\n"),
            gone("people.py", "    religion: Mapped[str | None] = mapped_column(String(40))\n"),
            Edit("people.py", "String(80), index=True)", "String(80))"),
            gone("rooms.py", '    __table_args__ = (Index("ix_devices_kind", "kind"),)\n'),
            gone("teaching.py", '        UniqueConstraint("year_id", "name"),\n'),
        ),
        flags=(
            *("--drop", "people.fax", "--drop", "staff.fax", "--drop", "students.religion"),
            *("--down-default", "staff.fax=none"),
        ),
        rows=(Dropped("people.fax"), Dropped("staff.fax", "none"), Dropped("students.religion")),
        says=("drop column staff.fax", "drop index ix_devices_kind on devices"),
    ),
)
