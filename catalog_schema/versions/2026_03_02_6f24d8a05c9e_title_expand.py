"""Add products.title, the new name of products.name

Revision ID: 6f24d8a05c9e
Revises: 9b7d22e0c415
Create Date: 2026-03-02 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "6f24d8a05c9e"
down_revision = "9b7d22e0c415"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("title", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("products", "title")
