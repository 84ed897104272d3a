"""Rename a column: customers.name is the full name

Revision ID: r03
Revises: r02
Create Date: 2026-01-03 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r03"
down_revision = "r02"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.alter_column("name", new_column_name="full_name", existing_type=sa.String(40), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.alter_column("full_name", new_column_name="name", existing_type=sa.String(40), existing_nullable=False)
