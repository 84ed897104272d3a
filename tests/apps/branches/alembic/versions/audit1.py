"""Seed nothing"""
import sqlalchemy as sa
from alembic import op

revision = 'audit1'
down_revision = None
branch_labels = 'audit'
depends_on = None


def upgrade():
    print("Seed nothing")
    pass


def downgrade():
    pass
