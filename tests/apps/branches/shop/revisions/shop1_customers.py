"""Create customers"""
import sqlalchemy as sa
from alembic import op

revision = 'shop1'
down_revision = None
branch_labels = ('shop',)
depends_on = None


def upgrade():
    print("Create customers")
    op.create_table("customers", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False))


def downgrade():
    op.drop_table("customers")
