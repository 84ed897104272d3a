"""Join email and phone"""
import sqlalchemy as sa
from alembic import op

revision = 'shop3'
down_revision = ('shop2_email', 'shop2_phone')
branch_labels = None
depends_on = None


def upgrade():
    print("Join email and phone")
    pass


def downgrade():
    pass
