"""Merge the two

Revision ID: r13
Revises: r12a, r12b
Create Date: 2026-01-13 09:00:00

"""

revision = "r13"
down_revision = ("r12a", "r12b")
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
