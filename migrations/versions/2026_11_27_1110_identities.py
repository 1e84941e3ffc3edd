"""identities at an OpenID provider

Revision ID: c3d7f05a1e42
Revises: 8e61c2a94b07
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = 'c3d7f05a1e42'
down_revision = '8e61c2a94b07'
branch_labels = None
depends_on = None
oldest_code = '5b1f0c7d2e94'


def upgrade() -> None:
    op.create_table('identities',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('updated_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('issuer', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.Column('subject_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_identities_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identities')),
    sa.UniqueConstraint('issuer', 'subject_hash', name=op.f('uq_identities_issuer_subject_hash')),
    sa.UniqueConstraint('user_id', name=op.f('uq_identities_user_id'))
    )
    op.create_table('sign_in_flows',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('browser_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('nonce', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('locked_verifier', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
    sa.Column('target', sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(length=45), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('expires_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_flows')),
    sa.UniqueConstraint('state_hash', name=op.f('uq_sign_in_flows_state_hash'))
    )
    with op.batch_alter_table('sign_in_flows', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_in_flows_address'), ['address'], unique=False)
        batch_op.create_index(batch_op.f('ix_sign_in_flows_expires_at'), ['expires_at'], unique=False)

    op.create_table('pending_links',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('issuer', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.Column('subject_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('expires_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_pending_links_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pending_links')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_pending_links_token_hash'))
    )
    with op.batch_alter_table('pending_links', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pending_links_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_pending_links_user_id'), ['user_id'], unique=False)

    op.add_column('user_sessions', sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=True))
    op.add_column('users', sa.Column('link_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column('users', 'link_until')
    op.drop_column('user_sessions', 'opened_by')
    op.drop_table('pending_links')
    op.drop_table('sign_in_flows')
    op.drop_table('identities')
