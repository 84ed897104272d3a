"""Count outside of the transaction, between two steps inside of it

Revision ID: r09
Revises: r08
Create Date: 2026-01-09 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r09"
down_revision = "r08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("counters", sa.Column("remark", sa.String(20), nullable=True))
    with op.get_context().autocommit_block():
        op.execute("UPDATE counters SET n = n + 1")
    op.execute("UPDATE counters SET remark = 'counted'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("UPDATE counters SET n = n - 1")
    with op.batch_alter_table("counters") as batch_op:
        batch_op.drop_column("remark")
