"""Wider totals that are always there: a rebuild of a table with a parent, children and a trigger

Revision ID: r05
Revises: r04
Create Date: 2026-01-05 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r05"
down_revision = "r04"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.alter_column("total", existing_type=sa.Integer(), type_=sa.BigInteger(), nullable=False)
        batch_op.alter_column("note", existing_type=sa.String(20), type_=sa.String(200), existing_nullable=True)
        batch_op.create_check_constraint("ck_orders_total", "total >= 0")


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_constraint("ck_orders_total", type_="check")
        batch_op.alter_column("note", existing_type=sa.String(200), type_=sa.String(20), existing_nullable=True)
        batch_op.alter_column("total", existing_type=sa.BigInteger(), type_=sa.Integer(), nullable=True)
