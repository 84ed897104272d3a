"""Indexes, made without locking the tables where the server can

Revision ID: r08
Revises: r07
Create Date: 2026-01-08 09:00:00

"""

from alembic import op

revision = "r08"
down_revision = "r07"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_lines_product", "lines", ["product"], postgresql_concurrently=True)
        op.create_index("ix_orders_customer_total", "orders", ["customer_id", "total"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        if op.get_context().dialect.name == "mysql":  # where the foreign key has to keep an index of its own
            op.create_index("fk_orders_customer", "orders", ["customer_id"])
        op.drop_index("ix_orders_customer_total", table_name="orders", postgresql_concurrently=True)
        op.drop_index("ix_lines_product", table_name="lines", postgresql_concurrently=True)
