"""add the index of words

Revision ID: 8d0b6c2f41e7
Revises: 5b1f0c7ad914
"""

from alembic import op

from app import indexing
from app.adapters import search

revision = '8d0b6c2f41e7'
down_revision = '5b1f0c7ad914'
branch_labels = None
depends_on = None
# Older code changes texts without their entries, and what it writes would not be found.
oldest_code = '8d0b6c2f41e7'


def upgrade() -> None:
    search.create(op.get_bind())
    indexing.rebuild(op.get_bind())


def downgrade() -> None:
    search.drop(op.get_bind())
