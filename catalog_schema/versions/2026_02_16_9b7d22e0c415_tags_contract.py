"""Drop the comma text products.legacy_tags

Revision ID: 9b7d22e0c415
Revises: 5e83b7c21f60
Create Date: 2026-02-16 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "9b7d22e0c415"
down_revision = "5e83b7c21f60"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("products", "legacy_tags")


def downgrade() -> None:
    op.add_column("products", sa.Column("legacy_tags", sa.Text(), nullable=True))
