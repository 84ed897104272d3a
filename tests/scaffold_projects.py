"""Models and settings for the tests of `init` and `setup`."""

from oppmigrate.config import Settings, load_settings

USER = """
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        email: str = Field(unique=True)
"""

BASE = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


    class Base(DeclarativeBase):
        pass


    class Author(Base):
        __tablename__ = "authors"

        id: Mapped[int] = mapped_column(primary_key=True)
"""


def settings_of(project, **options) -> Settings:
    """The settings of a test's project."""
    return load_settings(project.path, **options)
