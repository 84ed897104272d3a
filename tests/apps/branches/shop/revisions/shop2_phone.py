"""Add customers.phone"""
import sqlalchemy as sa
from alembic import op

revision = 'shop2_phone'
down_revision = 'shop1'
branch_labels = None
depends_on = None


def upgrade():
    print("Add customers.phone")
    op.add_column("customers", sa.Column("phone", sa.String(30)))


def downgrade():
    op.drop_column("customers", "phone")
