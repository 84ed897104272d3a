"""Rename a table: order_lines are lines

Revision ID: r04
Revises: r03
Create Date: 2026-01-04 09:00:00

"""

from alembic import op

revision = "r04"
down_revision = "r03"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("order_lines", "lines")


def downgrade() -> None:
    op.rename_table("lines", "order_lines")
