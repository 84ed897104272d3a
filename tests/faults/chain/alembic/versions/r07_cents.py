"""Totals in cents: a backfill in one statement, which must not run twice

Revision ID: r07
Revises: r06
Create Date: 2026-01-07 09:00:00

"""

from alembic import op

revision = "r07"
down_revision = "r06"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE orders SET total = total * 100")


def downgrade() -> None:
    op.execute("UPDATE orders SET total = total / 100")
