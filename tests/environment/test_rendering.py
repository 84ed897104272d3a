"""Types of the models as a revision file has them."""

import pytest
import sqlalchemy as sa
import sqlmodel
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlmodel import AutoString

from oppmigrate.environment.rendering import render_item


class Money(sa.types.UserDefinedType):
    """A type of the user's own."""

    cache_ok = True

    def __init__(self, digits: int = 2) -> None:
        self.digits = digits

    def __repr__(self) -> str:
        return f"Money({self.digits})"


class Email(AutoString):
    """A type of the user's own, made from one of SQLModel's."""

    cache_ok = True


OWN = __name__


def rendered(type_, **options):
    """The type as text, and the imports that the file needs for it."""
    opts = {"render_item": render_item, "sqlalchemy_module_prefix": "sa.", "user_module_prefix": None, **options}
    context = AutogenContext(MigrationContext.configure(dialect_name="postgresql"), opts=opts)
    return _repr_type(type_, context), set(context.imports)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (AutoString(length=50), "sa.String(length=50)"),
        (sa.String(50), "sa.String(length=50)"),
        (sa.ARRAY(AutoString(length=5)), "sa.ARRAY(sa.String(length=5))"),
        (sa.Uuid(), "sa.Uuid()"),
    ],
)
def test_type_that_every_file_can_name(type_, text):
    assert rendered(type_) == (text, set())


def test_autostring_without_length_stays_itself_and_brings_its_import():
    text, imports = rendered(AutoString())
    assert (text, imports) == ("sqlmodel.AutoString()", {"import sqlmodel"})
    assert isinstance(eval(text, {"sqlmodel": sqlmodel}), AutoString)


def test_type_of_a_server_brings_alembic_s_import():
    text, imports = rendered(postgresql.JSONB())
    assert text.startswith("postgresql.JSONB(")
    assert imports == {"from sqlalchemy.dialects import postgresql"}


@pytest.mark.parametrize(
    "type_",
    [
        Money(4),
        sa.ARRAY(Money(4)),
        sa.String(5).with_variant(Money(4), "mysql"),
        sa.JSON().with_variant(Money(4), "sqlite"),
    ],
)
def test_own_type_brings_the_import_of_its_module(type_):
    text, imports = rendered(type_)
    assert f"{OWN}.Money(4)" in text
    assert imports >= {f"import {OWN}"}


def test_type_made_from_one_of_sqlmodel_s_stays_the_user_s():
    text, imports = rendered(Email(length=9))
    assert text == f"{OWN}.Email(length=9)"
    assert imports == {f"import {OWN}"}


def test_own_prefix_for_types_needs_no_import_of_ours():
    text, imports = rendered(Money(4), user_module_prefix="mine.")
    assert text == "mine.Money(4)"
    assert imports == set()


def test_own_prefix_of_sqlalchemy_is_kept():
    assert rendered(AutoString(length=5), sqlalchemy_module_prefix="sqlalchemy.") == (
        "sqlalchemy.String(length=5)",
        set(),
    )


def test_what_is_no_type_is_left_to_alembic():
    context = AutogenContext(MigrationContext.configure(dialect_name="sqlite"), opts={})
    assert render_item("column", sa.Column("a", sa.Integer), context) is False


def test_aware_datetime_of_sqlmodel_is_a_plain_one():
    utc = getattr(sqlmodel.sql.sqltypes, "UTCDateTime", None)
    if utc is None:
        pytest.skip("this SQLModel has no UTCDateTime")
    assert rendered(utc()) == ("sa.DateTime(timezone=True)", set())
