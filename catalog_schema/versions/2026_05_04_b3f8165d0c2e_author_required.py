"""Require reviews.author

Revision ID: b3f8165d0c2e
Revises: a27be0934fc5
Create Date: 2026-05-04 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "b3f8165d0c2e"
down_revision = "a27be0934fc5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("reviews", "author", existing_type=sa.Text(), nullable=False)


def downgrade() -> None:
    op.alter_column("reviews", "author", existing_type=sa.Text(), nullable=True)
