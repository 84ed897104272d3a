"""Create invoices"""
import sqlalchemy as sa
from alembic import op

revision = 'billing1'
down_revision = None
branch_labels = ['billing']
depends_on = 'shop1'


def upgrade():
    print("Create invoices")
    op.create_table("invoices", sa.Column("id", sa.Integer, primary_key=True), sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False))


def downgrade():
    op.drop_table("invoices")
