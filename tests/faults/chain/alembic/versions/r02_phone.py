"""A phone number for customers, with a default

Revision ID: r02
Revises: r01
Create Date: 2026-01-02 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r02"
down_revision = "r01"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customers", sa.Column("phone", sa.String(20), server_default="none", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.drop_column("phone")
