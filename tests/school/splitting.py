"""The fifth year: a table is split, two become one, and names move on to other columns."""

from typing import Any

from school.step import (
    ANY,
    By,
    Dropped,
    Edit,
    Renamed,
    Row,
    Rows,
    Step,
    TableAdded,
    TableDropped,
    TableRenamed,
    behind,
    gone,
)

CONTACTS = """

class ContactKind(enum.Enum):
    phone = "phone"
    emergency = "emergency"


class ContactPoint(Base):
    __tablename__ = "contact_points"
    __table_args__ = (UniqueConstraint("person_id", "kind", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    kind: Mapped[ContactKind] = mapped_column(Enum(ContactKind, name="contact_kind"))
    value: Mapped[str] = mapped_column(String(30))
    label: Mapped[str | None]
"""
EMERGENCY = """class EmergencyContact(Base):
    __tablename__ = "emergency_contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(String(30))
    rank: Mapped[int] = mapped_column(server_default="1")


"""


def _collect(rows: Rows) -> None:
    def point(person: Any, kind: str, value: str, label: str | None) -> Row:
        return {"id": ANY, "person_id": person, "kind": kind, "value": value, "label": label}

    rows["contact_points"] = [point(row["id"], "phone", row["phone"], None) for row in rows["people"] if row["phone"]]
    for row in rows["emergency_contacts"]:
        rows["contact_points"].append(point(row["student_id"], "emergency", row["phone"], row["name"]))


def _give_back(rows: Rows) -> None:
    phones = {row["person_id"]: row["value"] for row in rows["contact_points"] if row["kind"] == "phone"}
    for row in rows["people"]:
        row["phone"] = phones.get(row["id"])
    rows["contact_points"] = []


STEPS = (
    Step(
        "Begin contact points",
        edits=(
            behind(
                "people.py",
                '    addresses: Mapped[list["Address"]] = relationship(back_populates="person")\n',
                CONTACTS,
            ),
        ),
        rows=(TableAdded("contact_points"),),
        says=("create table contact_points (5 columns)",),
    ),
    Step(
        "Collect contact points",
        up=(
            "people, points, emergency = tables(op).people, tables(op).contact_points, tables(op).emergency_contacts",
            "found = op.get_bind().execute(sa.select(people.c.id, people.c.phone).where(people.c.phone.is_not(None)))",
            "collected = [",
            '    {"person_id": person, "kind": "phone", "value": value, "label": None}',
            "    for person, value in found",
            "]",
            "found = op.get_bind().execute(sa.select(emergency.c.student_id, emergency.c.phone, emergency.c.name))",
            "collected += [",
            '    {"person_id": person, "kind": "emergency", "value": value, "label": name}',
            "    for person, value, name in found",
            "]",
            "op.bulk_insert(points, collected)",
        ),
        down=(
            "people, points = tables(op).people, tables(op).contact_points",
            'phones = sa.select(points).where(points.c.kind == "phone")',
            "for row in op.get_bind().execute(phones).all():",
            "    op.execute(people.update().where(people.c.id == row.person_id).values(phone=row.value))",
            "op.execute(points.delete())",
        ),
        rows=(By(frozenset({"people", "contact_points"}), _collect, _give_back),),
    ),
    Step(
        "Finish contact points",
        edits=(
            gone("people.py", "    phone: Mapped[str | None] = mapped_column(String(30))\n"),
            gone("people.py", EMERGENCY),
        ),
        flags=("--drop", "people.phone", "--drop", "emergency_contacts"),
        rows=(Dropped("people.phone"), TableDropped("emergency_contacts")),
        says=("drop column people.phone", "drop table emergency_contacts"),
    ),
    Step(
        "Total what is paid",
        edits=(
            Edit(
                "money.py",
                """\
    total: Mapped[Decimal] = mapped_column(comment="without tax")
    gross: Mapped[Decimal] = mapped_column(comment="with tax")
""",
                """\
    net: Mapped[Decimal] = mapped_column(comment="without tax")
    total: Mapped[Decimal] = mapped_column(comment="with tax")
""",
            ),
            Edit("money.py", '"gross - total"', '"total - net"'),
        ),
        flags=("--rename", "invoices.total:net", "--rename", "invoices.gross:total"),
        rows=(Renamed("invoices.total", "net"), Renamed("invoices.gross", "total")),
    ),
    Step(
        "Call users accounts",
        edits=(
            Edit(
                "access.py",
                'class User(Dated, Base):\n    __tablename__ = "users"\n',
                'class Account(Dated, Base):\n    __tablename__ = "accounts"\n',
            ),
            Edit(
                "access.py",
                '    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)\n',
                '    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)\n',
            ),
            Edit(
                "access.py",
                'ForeignKey("users.id", ondelete="SET NULL")',
                'ForeignKey("accounts.id", ondelete="SET NULL")',
            ),
            Edit(
                "access.py",
                'user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index',
                'account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index',
            ),
            Edit("access.py", "    user_id: Mapped[int | None]\n", "    account_id: Mapped[int | None]\n"),
        ),
        flags=(
            *("--rename", "users:accounts", "--rename", "role_grants.user_id:account_id"),
            *("--rename", "sessions.user_id:account_id", "--rename", "audit_entries.user_id:account_id"),
        ),
        rows=(
            TableRenamed("users", "accounts"),
            Renamed("role_grants.user_id", "account_id"),
            Renamed("sessions.user_id", "account_id"),
            Renamed("audit_entries.user_id", "account_id"),
        ),
        says=("rename table users to accounts",),
    ),
)
