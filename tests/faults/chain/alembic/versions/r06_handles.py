"""A handle for each customer, made from the name: a backfill row by row

Revision ID: r06
Revises: r05
Create Date: 2026-01-06 09:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "r06"
down_revision = "r05"
branch_labels = None
depends_on = None

customers = sa.table("customers", sa.column("id"), sa.column("full_name"), sa.column("handle"))


def upgrade() -> None:
    op.add_column("customers", sa.Column("handle", sa.String(60), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(customers.c.id, customers.c.full_name).order_by(customers.c.id)).all():
        handle = row.full_name.lower().replace(" ", ".")
        connection.execute(customers.update().where(customers.c.id == row.id).values(handle=handle))


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.drop_column("handle")
