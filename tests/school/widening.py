"""The second year: tables come, columns hold more, and what is allowed is said better."""

from school.step import ANY, Added, Changed, Edit, Step, TableAdded, Touched, behind, gone

SESSIONS = """

class Level(enum.Enum):
    info = "info"
    warning = "warning"


class Session(Base):
    __tablename__ = "sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    level: Mapped[Level] = mapped_column(Enum(Level, name="level"), server_default="info")


class Setting(Base):
    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[dict[str, Any] | None]
    changed: Mapped[Action] = mapped_column(Enum(Action, name="action"))


class Announcement(Dated, Base):
    __tablename__ = "announcements"
    __table_args__ = (
        Index(
            "uq_announcements_pinned",
            "pinned",
            unique=True,
            sqlite_where=text("pinned = 1"),
            postgresql_where=text("pinned"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(Enum(Level, name="level"))
    body: Mapped[str] = mapped_column(Text)
    pinned: Mapped[bool | None]


announcement_roles = Table(
    "announcement_roles",
    Base.metadata,
    Column("announcement_id", ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
"""

STEPS = (
    Step(
        "Keep sessions, settings and announcements",
        edits=(
            Edit(
                "access.py",
                "String, Table, UniqueConstraint, true\n",
                "String, Table, Text, UniqueConstraint, text, true\n",
            ),
            behind("access.py", "    before: Mapped[dict[str, Any] | None]\n    at: Mapped[datetime]\n", SESSIONS),
        ),
        rows=tuple(TableAdded(name) for name in ("sessions", "settings", "announcements", "announcement_roles")),
        says=("create table sessions (5 columns)", "create table announcement_roles (2 columns)"),
        written=(
            "INSERT INTO settings (name, value, changed) VALUES ('term', '{\"now\"\\: 2}', 'create')",
            "INSERT INTO settings (name, value, changed) VALUES ('name', NULL, 'change')",
            "INSERT INTO announcements (id, level, body, pinned) VALUES (1, 'info', 'Sun', NULL)",
            "INSERT INTO announcements (id, level, body, pinned) VALUES (2, 'warning', 'Rain', true)",
            "INSERT INTO announcement_roles (announcement_id, role_id) VALUES (1, 1), (1, 2), (2, 1)",
        ),
    ),
    Step(
        "Make room for longer names and larger numbers",
        edits=(
            Edit(
                "people.py",
                "    given_name: Mapped[str] = mapped_column(String(80))\n",
                "    given_name: Mapped[str] = mapped_column(String(120))\n",
            ),
            Edit(
                "teaching.py",
                "    description: Mapped[str | None] = mapped_column(String(200))\n",
                "    description: Mapped[str | None] = mapped_column(Text)\n",
            ),
            Edit(
                "money.py",
                """\
    title: Mapped[str] = mapped_column(String(60))
    amount: Mapped[Decimal] = mapped_column(Numeric(6, 2))
""",
                "    title: Mapped[str] = mapped_column(String(100))\n    amount: Mapped[Decimal]\n",
            ),
            Edit(
                "money.py",
                "    amount: Mapped[Decimal] = mapped_column(Numeric(6, 2))\n    due_on: Mapped[date]\n",
                "    amount: Mapped[Decimal] = mapped_column(Numeric(12, 3))\n    due_on: Mapped[date]\n",
            ),
            Edit("rooms.py", "    price: Mapped[float]\n", "    price: Mapped[Decimal]\n"),
            Edit("rooms.py", "from datetime import date\n", "from datetime import date\nfrom decimal import Decimal\n"),
            Edit(
                "assessment.py",
                "    points: Mapped[int]\n",
                "    points: Mapped[Decimal] = mapped_column(Numeric(5, 1))\n",
            ),
            Edit(
                "assessment.py",
                "    total: Mapped[int | None] = mapped_column(",
                "    total: Mapped[Decimal | None] = mapped_column(Numeric(7, 1), ",
            ),
            Edit(
                "teaching.py",
                "    id: Mapped[int] = mapped_column(Integer, primary_key=True)\n    slot_id",
                """\
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    slot_id""",
            ),
            Edit("teaching.py", "from sqlalchemy import (\n", "from sqlalchemy import (\n    BigInteger,\n"),
        ),
        rows=tuple(Touched(name) for name in ("fee_types", "fees", "devices", "exam_sittings")),
    ),
    Step(
        "Agree on what is allowed",
        edits=(
            Edit("money.py", "percent BETWEEN 0 AND 50", "percent BETWEEN 0 AND 100"),
            gone(
                "teaching.py", '        CheckConstraint("capacity BETWEEN 1 AND 40", name="ck_form_groups_capacity"),\n'
            ),
            Edit("rooms.py", 'CheckConstraint("seats >= 0")', 'CheckConstraint("seats BETWEEN 0 AND 500")'),
            Edit("rooms.py", 'SmallInteger, server_default="30"', "SmallInteger"),
            behind(
                "office.py",
                '    __tablename__ = "documents"\n',
                """\
    __table_args__ = (CheckConstraint("title NOT LIKE '%:%'", name="ck_documents_title"),)
""",
            ),
            Edit("office.py", "import BigInteger, ", "import BigInteger, CheckConstraint, "),
            Edit("people.py", 'server_default="DE"', 'server_default="AT"'),
            Edit("people.py", 'server_default="#ffffff"', 'server_default="it\'s 100%: white"'),
            Edit("people.py", "mapped_column(String(7), ", "mapped_column(String(20), "),
            Edit("people.py", 'server_default="applicant"', 'server_default="enrolled"'),
            Edit("people.py", "what the office writes down", "what the office's people write down; 100%: all"),
            Edit(
                "office.py",
                'priority: Mapped[str] = mapped_column(String(10), server_default="normal")',
                "priority: Mapped[str] = mapped_column(String(10))",
            ),
        ),
        says=("discounts", "ck_documents_title"),
    ),
    Step(
        "Give messages a token",
        edits=(
            behind(
                "office.py",
                "    sent_at: Mapped[datetime] = mapped_column(index=True)\n",
                "    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4, unique=True)\n",
            ),
            Edit(
                "assessment.py",
                "    given_at: Mapped[datetime] = mapped_column(DateTime())\n",
                "    given_at: Mapped[datetime]\n",
            ),
            behind(
                "teaching.py",
                '    substitute_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.person_id"))\n',
                """\
    room_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id", ondelete="SET NULL"), index=True)
""",
            ),
        ),
        flags=("--default", "messages.token=uuid.uuid4"),
        rows=(Added("messages.token", ANY), Added("lessons.room_id"), Touched("marks")),
    ),
    Step(
        "Count what was written",
        edits=(
            Edit("rooms.py", "    built: Mapped[str] = mapped_column(String(10))\n", "    built: Mapped[int]\n"),
            Edit(
                "library.py",
                "    year: str | None = Field(default=None, max_length=4)\n",
                "    year: int | None = None\n",
            ),
            Edit(
                "rooms.py",
                "    kind: Mapped[str] = mapped_column(String(20))\n",
                '    kind: Mapped[DeviceKind] = mapped_column(Enum(DeviceKind, name="device_kind"))\n',
            ),
            Edit(
                "rooms.py",
                "\n\nclass Device(Base):\n",
                """\


class DeviceKind(enum.Enum):
    laptop = "laptop"
    tablet = "tablet"
    projector = "projector"


class Device(Base):
""",
            ),
            Edit(
                "rooms.py", "from sqlalchemy import CheckConstraint, ", "from sqlalchemy import CheckConstraint, Enum, "
            ),
            Edit("rooms.py", "from datetime", "import enum\nfrom datetime"),
            Edit(
                "office.py",
                "    priority: Mapped[str] = mapped_column(String(10))\n",
                """\
    priority: Mapped[str] = mapped_column(
        Enum("low", "normal", "high", name="priority", native_enum=False, create_constraint=True, length=10)
    )
""",
            ),
            Edit("office.py", "CheckConstraint, ", "CheckConstraint, Enum, "),
            Edit(
                "office.py",
                "    size: Mapped[int | None]\n",
                "    size: Mapped[int | None] = mapped_column(BigInteger)\n",
            ),
        ),
        rows=(
            Changed("buildings.built", lambda row: int(row["built"]), lambda row: str(row["built"])),
            Changed("books.year", {"1984": 1984, "2001": 2001}, {1984: "1984", 2001: "2001"}),
        ),
    ),
)
