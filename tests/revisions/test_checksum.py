import pytest

from oppmigrate.revisions.checksum import checksum_of

SOURCE = '''"""add users

Revision ID: ab12
"""
from alembic import op
import sqlalchemy as sa

revision = 'ab12'
down_revision = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('users', sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint('id'))
    op.execute(f"INSERT INTO users VALUES ({1})")


def downgrade():
    op.drop_table('users')
'''

# black, a licence header, another message, another quote, a comment, a trailing comma, an indented docstring
REFORMATTED = '''# Copyright Somebody
# -*- coding: utf-8 -*-
"""add the users

Revision ID: ab12
Reviewed by: somebody
"""

from alembic import op
import sqlalchemy as sa

revision = "ab12"
down_revision = None


def upgrade() -> None:
    """
    Upgrade schema.
    """
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),  # the key
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(f"INSERT INTO users " f"VALUES ({1})")


def downgrade():
    op.drop_table("users")
'''


def digest(source: str) -> str:
    return checksum_of(source.encode())


def test_formatter_comments_and_docstrings_change_nothing():
    assert digest(SOURCE) == digest(REFORMATTED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'users', sa", "'people', sa"),
        ("nullable=False", "nullable=True"),
        ("nullable=False", "nullable=0"),
        ("({1})", "({2})"),
        ("op.drop_table('users')", "pass"),
        ("def downgrade", "async def downgrade"),
        ("down_revision = None", "down_revision = 'cd34'"),
        ("sa.Integer()", "sa.Integer"),
        ("import sqlalchemy as sa", "import sqlmodel as sa"),
    ],
)
def test_change_of_what_the_file_does_changes_it(before: str, after: str):
    assert before in SOURCE
    assert digest(SOURCE.replace(before, after, 1)) != digest(SOURCE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a', 'bc'", "x = 'ab', 'c'"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("return_ = f(None)", "return_ = f()"),
        ("def f(a, /, b): pass", "def f(a, b): pass"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("x = {**a}", "x = {a: a}"),
        ("x = a[1:]", "x = a[:1]"),
    ],
)
def test_sources_that_nearly_agree_differ(one: str, other: str):
    assert digest(one) != digest(other)


def test_very_long_number_is_taken():
    assert digest(f"x = 0x{'f' * 9000}") != digest(f"x = 0x{'e' * 9000}")


def test_digest_is_the_same_on_every_python():
    # a digest that a database recorded under one Python is compared under another: this one must never change
    assert digest(SOURCE) == "5de109a9906d5d2e170adc0771cec0d2009686fd68ac52682f88664b50af7475"
