"""Add customers.email

Revision ID: b2c3d4e5f6a7
Revises: a1b2c3d4e5f6
Create Date: 2024-03-02 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = "b2c3d4e5f6a7"
down_revision = "a1b2c3d4e5f6"
branch_labels = None
depends_on = None


def upgrade():
    print("the second revision is applied")
    op.add_column("customers", sa.Column("email", sa.String(100)))


def downgrade():
    op.drop_column("customers", "email")
