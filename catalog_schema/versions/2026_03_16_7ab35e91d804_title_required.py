"""Require products.title and no longer products.name

Revision ID: 7ab35e91d804
Revises: 6f24d8a05c9e
Create Date: 2026-03-16 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "7ab35e91d804"
down_revision = "6f24d8a05c9e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("products", "title", existing_type=sa.Text(), nullable=False)
    op.alter_column("products", "name", existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    op.alter_column("products", "name", existing_type=sa.Text(), nullable=False)
    op.alter_column("products", "title", existing_type=sa.Text(), nullable=True)
