"""A status for orders: an enum, a type of its own where the server has them

Revision ID: r10
Revises: r09
Create Date: 2026-01-10 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r10"
down_revision = "r09"
branch_labels = None
depends_on = None

status = sa.Enum("new", "paid", name="order_status", create_constraint=True)


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE TYPE order_status AS ENUM ('new', 'paid')")
    with op.batch_alter_table("orders") as batch_op:
        batch_op.add_column(sa.Column("status", status, server_default="new", nullable=False))
    op.execute("UPDATE orders SET status = 'paid' WHERE total > 0")


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        if op.get_context().dialect.name == "sqlite":
            batch_op.drop_constraint("order_status", type_="check")
        batch_op.drop_column("status")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TYPE order_status")
