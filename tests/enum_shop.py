"""A shop whose orders have a status: what the models say of it changes from revision to revision."""

from collections.abc import Sequence

from migrated_project import MigratedProject
from projects import Project

HEAD = """
import enum
import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Town(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""

ORDERS = """
class Order(SQLModel, table=True):
    __tablename__ = "orders"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(default="", max_length=20)
"""


def status(*values: str) -> str:
    """An enum of these members, whose names are what is stored."""
    return "class Status(enum.Enum):\n" + "".join(f"    {value} = {value!r}\n" for value in values)


def orders(*lines: str) -> str:
    """The model of the orders with these columns more."""
    return ORDERS + "".join(f"    {line}\n" for line in lines)


class EnumShop(MigratedProject):
    """A project without a revision yet."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", HEAD)
        self.ok("migrate", "init")

    def become(self, *models: str, flags: Sequence[str] = ()) -> str:
        """Change the models, make the revision and apply it; return its text."""
        source = self.draft(*models, flags=flags)
        self.ok("migrate", "upgrade")
        return source

    def draft(self, *models: str, flags: Sequence[str] = ()) -> str:
        """Change the models and make the revision; return its text."""
        self.project.write("models.py", "\n\n".join([HEAD, *models]))
        self.ok("migrate", "create", "change", *flags)
        return self.versions()[-1].read_text()

    def back_and_forth(self) -> None:
        """Down and up again, ending where the models and the migrations agree."""
        for command in (("downgrade", "-1"), ("upgrade",), ("check",)):
            self.ok("migrate", *command)
