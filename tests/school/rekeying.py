"""The fourth year: values of enums go, and keys are of other columns."""

from school.step import ANY, Added, Changed, Edit, Step, Touched, behind

STEPS = (
    Step(
        "Cheques are transfers",
        up=(
            "payments = tables(op).payments",
            'op.execute(payments.update().where(payments.c.method == "cheque").values(method="transfer"))',
        ),
        rows=(Changed("payments.method", {"cheque": "transfer"}, {}),),
    ),
    Step(
        "Take no cheques",
        edits=(
            Edit("money.py", '    cheque = "cheque"\n', '    card = "card"\n'),
            Edit(
                "assessment.py",
                '    checked = "checked"\n    signed = "signed"\n',
                '    reviewed = "reviewed"\n    signed = "signed"\n    printed = "printed"\n',
            ),
            Edit("people.py", '    fixed = "fixed"\n', '    fixed = "fixed"\n    trainee = "trainee"\n'),
        ),
        flags=("--rename-value", "report_state.checked:reviewed"),
        # SQLite does not know which values there are
        flags_on=dict.fromkeys(("postgresql", "mysql"), ("--drop", "payment_method.cheque")),
        rows=(Changed("reports.state", {"checked": "reviewed"}, {"reviewed": "checked"}),),
    ),
    Step(
        "Grant roles within a scope",
        edits=(
            behind(
                "access.py",
                '    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"), primary_key=True)\n',
                """\
    scope: Mapped[str] = mapped_column(String(20), primary_key=True)
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
""",
            ),
            Edit(
                "teaching.py",
                "    joined_on: Mapped[date | None]\n",
                '    joined_on: Mapped[date | None]\n    number: Mapped[int] = mapped_column(server_default="1")\n',
            ),
        ),
        flags=("--default", "role_grants.scope=school"),
        rows=(
            Added("role_grants.scope", "school"),
            Added("role_grants.granted_by_id"),
            Added("group_members.number", 1),
        ),
    ),
    Step(
        "Number the members of clubs",
        edits=(
            Edit(
                "services.py",
                """\
    club_id: int = Field(foreign_key="clubs.id", primary_key=True)
    student_id: uuid.UUID = Field(foreign_key="students.person_id", primary_key=True)
    since""",
                """\
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    club_id: int = Field(foreign_key="clubs.id")
    student_id: uuid.UUID = Field(foreign_key="students.person_id")
    since""",
            ),
            behind(
                "services.py",
                '    __tablename__ = "club_members"\n',
                '    __table_args__ = (UniqueConstraint("club_id", "student_id"),)\n',
            ),
        ),
        flags=("--default", "club_members.id=uuid.uuid4"),
        rows=(Added("club_members.id", ANY),),
    ),
    Step(
        "Compute taxes, and no amounts",
        edits=(
            Edit("assessment.py", '"points + bonus"', '"points + 2 * bonus"'),
            Edit("money.py", 'Numeric(12, 2), Computed("quantity * unit_price", persisted=True)', "Numeric(12, 2)"),
            behind(
                "money.py",
                '    gross: Mapped[Decimal] = mapped_column(comment="with tax")\n',
                """\
    tax: Mapped[Decimal | None] = mapped_column(Numeric(10, 2), Computed("gross - total", persisted=True))
""",
            ),
        ),
        rows=(
            Changed(
                "exam_sittings.total",
                lambda row: row["points"] + 2 * row["bonus"],
                lambda row: row["points"] + row["bonus"],
            ),
            Touched("invoice_lines"),
            Added("invoices.tax", lambda row: row["gross"] - row["total"]),
        ),
    ),
)
