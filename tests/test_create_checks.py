"""CHECK constraints by the commands: what `create` writes, and what becomes of the rows, up, down and up again."""

from typing import Any

import pytest
import sqlalchemy as sa

from migrated_project import MigratedProject
from projects import Project

HEAD = """
    from sqlalchemy import CheckConstraint, Column, Integer
    from sqlmodel import Field, SQLModel

    class Order(SQLModel, table=True):
        __tablename__ = "orders"
"""
BEFORE = """
        __table_args__ = (
            CheckConstraint("total >= 0", name="ck_total"),
            CheckConstraint("kind IN ('a', 'b')"),
            CheckConstraint("length(kind) < 9", name="ck_length"),
            CheckConstraint(r"total % 100 <> 99 AND kind <> ' \\:x'", name="ck_written"),
        )

        id: int | None = Field(default=None, primary_key=True)
        total: int
        kind: str = Field(max_length=9)
        pieces: int = Field(default=1, sa_column=Column(Integer, CheckConstraint("pieces > 0"), nullable=False))
"""
# one changed, one dropped, one kept, one changed in its column, one on a new column, one in it
AFTER = """
        __table_args__ = (
            CheckConstraint("total >= -5", name="ck_total"),
            CheckConstraint("length(kind) < 9", name="ck_length"),
            CheckConstraint(r"total % 100 <> 99 AND kind <> ' \\:x'", name="ck_written"),
            CheckConstraint("weight > 0 OR total % 2 = 0", name="ck_weight"),
        )

        id: int | None = Field(default=None, primary_key=True)
        total: int
        kind: str = Field(max_length=9)
        pieces: int = Field(default=1, sa_column=Column(Integer, CheckConstraint("pieces <> -1"), nullable=False))
        weight: int | None = None
        grade: int | None = Field(default=None, sa_column=Column(Integer, CheckConstraint("grade < 7")))
"""
ROWS = [(1, 7, "a", 1), (2, 0, "b", 3)]


class Orders(MigratedProject):
    """A project at its first revision, with two rows; or with a table that the models made, and no revision."""

    def __init__(self, project: Project, url: str, *, is_adopted: bool = False) -> None:
        super().__init__(project, url)
        project.write("models.py", HEAD + BEFORE)
        self.ok("migrate", "init")
        if is_adopted:
            self.create_all()
        self.ok("migrate", "create", "First")
        self.ok("migrate", *(("stamp", "head") if is_adopted else ("upgrade",)))
        for row in ROWS:
            self.execute(f"INSERT INTO orders (id, total, kind, pieces) VALUES {row}")

    def create_all(self) -> None:
        """Make the table as the models would, without a name for what has none."""
        metadata = sa.MetaData()
        sa.Table(
            "orders",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("total", sa.Integer, nullable=False),
            sa.Column("kind", sa.String(9), nullable=False),
            sa.Column("pieces", sa.Integer, sa.CheckConstraint("pieces > 0"), nullable=False),
            sa.CheckConstraint("total >= 0", name="ck_total"),
            sa.CheckConstraint("kind IN ('a', 'b')"),
            sa.CheckConstraint("length(kind) < 9", name="ck_length"),
            sa.CheckConstraint(r"total % 100 <> 99 AND kind <> ' \:x'", name="ck_written"),
        )

        def work(connection: sa.Connection) -> None:
            metadata.create_all(connection)
            connection.commit()

        self.database.run(work)

    def become(self, models: str, *flags: str) -> str:
        self.project.write("models.py", HEAD + models)
        self.ok("migrate", "create", "second", *flags)
        return self.versions()[-1].read_text()

    def takes(self, **values: Any) -> bool:
        """Can such a row be inserted?"""
        given = {"id": 9, "total": 1, "kind": "'a'", "pieces": 1, **values}
        sql = f"INSERT INTO orders ({', '.join(given)}) VALUES ({', '.join(map(str, given.values()))})"

        def work(connection: sa.Connection) -> bool:
            try:
                connection.execute(sa.text(sql))
            except sa.exc.DBAPIError:
                return False
            finally:
                connection.rollback()
            return True

        return self.database.run(work)


@pytest.fixture(params=[False, True], ids=["made_by_us", "adopted"])
def orders(request: pytest.FixtureRequest, project: Project, database_url: str) -> Orders:
    return Orders(project, database_url, is_adopted=request.param)


def test_changed_checks_hold_up_down_and_up_again(orders: Orders) -> None:
    orders.ok("migrate", "check")
    source = orders.become(AFTER)
    assert source.count("batch_alter_table") in (0, 2)
    assert "total >= -5" in source and "total % 2 = 0" in source
    for command in (("upgrade",), ("downgrade", "-1"), ("upgrade",)):
        orders.ok("migrate", *command)
        is_new = command[0] == "upgrade"
        assert orders.takes(total=-5) is is_new
        assert orders.takes(kind="'z'") is is_new
        assert orders.takes(pieces=-3) is is_new
        assert not orders.takes(pieces=-1)
        assert not orders.takes(kind="'123456789'")
        assert not orders.takes(total=199)
        assert not orders.takes(kind=r"' \:x'")
        assert orders.takes()
        assert orders.rows("SELECT id, total, kind, pieces FROM orders ORDER BY id") == ROWS
        if is_new:
            assert not orders.takes(total=1, weight=0)
            assert not orders.takes(grade=8)
            orders.ok("migrate", "check")
    assert "no changes" in orders.ok("migrate", "create", "third")


def test_check_follows_a_renamed_column(project: Project, database_url: str) -> None:
    orders = Orders(project, database_url)
    models = BEFORE.replace("total", "amount").replace("ck_amount", "ck_total").replace("pieces", "parts")
    source = orders.become(models, "--rename", "orders.total:amount", "--rename", "orders.pieces:parts")
    assert "constraint" not in source
    for command in (("upgrade",), ("downgrade", "-1"), ("upgrade",), ("check",)):
        orders.ok("migrate", *command)
