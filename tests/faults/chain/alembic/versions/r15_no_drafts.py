"""Drop a table: drafts are kept elsewhere

Revision ID: r15
Revises: r14
Create Date: 2026-01-15 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r15"
down_revision = "r14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("drafts")


def downgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(50), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
