"""let older code run on a newer schema

Revision ID: 5b1f0c7d2e94
Revises: 072a914f5c30
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '5b1f0c7d2e94'
down_revision = '072a914f5c30'
branch_labels = None
depends_on = None
# Code of the first revision asks for exactly its own; it would run, but does not dare to.
oldest_code = '5b1f0c7d2e94'


def upgrade() -> None:
    op.create_table('runnable_revisions',
    sa.Column('revision', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.PrimaryKeyConstraint('revision', name=op.f('pk_runnable_revisions'))
    )


def downgrade() -> None:
    op.drop_table('runnable_revisions')
