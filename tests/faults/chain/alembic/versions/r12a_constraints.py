"""One customer an address, and no name without a letter

Revision ID: r12a
Revises: r11
Create Date: 2026-01-12 09:00:00

"""

from alembic import op

revision = "r12a"
down_revision = "r11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.create_unique_constraint("uq_customers_email", ["email"])
        batch_op.create_check_constraint("ck_customers_full_name", "length(full_name) > 0")


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.drop_constraint("ck_customers_full_name", type_="check")
        batch_op.drop_constraint("uq_customers_email", type_="unique")
