"""Add customers.email"""
import sqlalchemy as sa
from alembic import op

revision = 'shop2_email'
down_revision = 'shop1'
branch_labels = None
depends_on = None


def upgrade():
    print("Add customers.email")
    op.add_column("customers", sa.Column("email", sa.String(100)))


def downgrade():
    op.drop_column("customers", "email")
