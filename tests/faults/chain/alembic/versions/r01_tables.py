"""Tables of the shop, and a trigger that keeps every change of a total

Revision ID: r01
Revises:
Create Date: 2026-01-01 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r01"
down_revision = None
branch_labels = None
depends_on = None

TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER orders_changed AFTER UPDATE ON orders WHEN old.total <> new.total BEGIN
             INSERT INTO changes VALUES (new.id, old.total, new.total); END"""
    ],
    "postgresql": [
        """CREATE FUNCTION keep_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF old.total <> new.total THEN INSERT INTO changes VALUES (new.id, old.total, new.total); END IF;
             RETURN NULL; END $$""",
        "CREATE TRIGGER orders_changed AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION keep_change()",
    ],
    "mysql": [
        """CREATE TRIGGER orders_changed AFTER UPDATE ON orders FOR EACH ROW BEGIN
             IF old.total <> new.total THEN INSERT INTO changes VALUES (new.id, old.total, new.total); END IF; END"""
    ],
}


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("email", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_orders_customer", ondelete="CASCADE"),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(30), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lines"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_lines_order", ondelete="CASCADE"),
    )
    op.create_table(
        "changes",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("was", sa.BigInteger(), nullable=True),
        sa.Column("became", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(50), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for table in ("drafts", "counters", "changes", "order_lines", "orders", "customers"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_change()")
