"""Regions, and a foreign key to them: made at the same time by somebody else

Revision ID: r12b
Revises: r11
Create Date: 2026-01-12 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r12b"
down_revision = "r11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    regions = op.create_table(
        "regions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_regions"),
    )
    op.bulk_insert(regions, [{"id": 1, "name": "North"}, {"id": 2, "name": "South"}])
    with op.batch_alter_table("customers") as batch_op:
        batch_op.add_column(sa.Column("region_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_customers_region", "regions", ["region_id"], ["id"], ondelete="SET NULL")
    op.execute("UPDATE customers SET region_id = 1 + id % 2")


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.drop_constraint("fk_customers_region", type_="foreignkey")
        batch_op.drop_column("region_id")
    op.drop_table("regions")
