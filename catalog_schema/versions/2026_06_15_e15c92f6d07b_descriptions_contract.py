"""Drop products.description

Revision ID: e15c92f6d07b
Revises: d0b7e5834a1f
Create Date: 2026-06-15 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "e15c92f6d07b"
down_revision = "d0b7e5834a1f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("products", "description")


def downgrade() -> None:
    op.add_column("products", sa.Column("description", sa.Text(), nullable=True))
