"""Drop a column: nobody reads the notes

Revision ID: r14
Revises: r13
Create Date: 2026-01-14 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r14"
down_revision = "r13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_column("note")


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.add_column(sa.Column("note", sa.String(200), nullable=True))
