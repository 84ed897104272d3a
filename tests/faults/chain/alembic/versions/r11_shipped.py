"""Orders can be shipped: another value of the enum

Revision ID: r11
Revises: r10
Create Date: 2026-01-11 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r11"
down_revision = "r10"
branch_labels = None
depends_on = None

before = sa.Enum("new", "paid", name="order_status", create_constraint=True)
after = sa.Enum("new", "paid", "shipped", name="order_status", create_constraint=True)


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE order_status ADD VALUE 'shipped'")
    else:
        change_type(before, after)
    op.execute("UPDATE orders SET status = 'shipped' WHERE total > 2000")


def downgrade() -> None:
    op.execute("UPDATE orders SET status = 'paid' WHERE status = 'shipped'")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TYPE order_status RENAME TO order_status_old")
        op.execute("CREATE TYPE order_status AS ENUM ('new', 'paid')")
        op.execute("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")
        op.execute("ALTER TABLE orders ALTER COLUMN status TYPE order_status USING status::text::order_status")
        op.execute("ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'new'")
        op.execute("DROP TYPE order_status_old")
    else:
        change_type(after, before)


def change_type(existing: sa.Enum, wanted: sa.Enum) -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.alter_column(
            "status",
            existing_type=existing,
            type_=wanted,
            existing_nullable=False,
            existing_server_default=sa.text("'new'"),
        )
