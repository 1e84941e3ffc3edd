"""add seals

Revision ID: 5ea1c0de0001
Revises: 5b1f0c7d2e94
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '5ea1c0de0001'
down_revision = '5b1f0c7d2e94'
branch_labels = None
depends_on = None
# Older code writes entries without their mac, which would be named as entries that the product did not write.
oldest_code = '5ea1c0de0001'


def upgrade() -> None:
    # Not as a batch: on SQLite that would copy the whole log.
    op.add_column('events', sa.Column('mac', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True))
    op.create_table('seals',
    sa.Column('ordinal', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('format', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('events', sa.BigInteger(), nullable=False),
    sa.Column('first_id', sa.BigInteger(), nullable=False),
    sa.Column('last_id', sa.BigInteger(), nullable=False),
    sa.Column('last_transaction', sa.BigInteger(), nullable=False),
    sa.Column('highest_id', sa.BigInteger(), nullable=False),
    sa.Column('coded', sa.Boolean(), nullable=False),
    sa.Column('sealed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('key_id', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('ids', sa.LargeBinary(), nullable=False),
    sa.Column('leaves', sa.LargeBinary(), nullable=False),
    sa.Column('foreign_ids', sa.LargeBinary(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('previous', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('ordinal', name=op.f('pk_seals')),
    sa.UniqueConstraint('hash', name=op.f('uq_seals_hash')),
    sa.UniqueConstraint('previous', name=op.f('uq_seals_previous'))
    )


def downgrade() -> None:
    op.drop_table('seals')
    op.drop_column('events', 'mac')
