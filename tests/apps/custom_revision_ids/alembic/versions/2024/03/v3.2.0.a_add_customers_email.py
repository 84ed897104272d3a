"""Add customers.email

Revision ID: v3.2.0.a
Revises: v3.1.0
Create Date: 2024-03-02 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = "v3.2.0.a"
down_revision = "v3.1.0"
branch_labels = None
depends_on = None


def upgrade():
    print("the second revision is applied")
    op.add_column("customers", sa.Column("email", sa.String(100)))


def downgrade():
    op.drop_column("customers", "email")
