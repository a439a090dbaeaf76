"""Drop products.name

Revision ID: 83c0b6f7e12d
Revises: 7ab35e91d804
Create Date: 2026-03-16 10:30:00

"""

import sqlalchemy as sa
from alembic import op

revision = "83c0b6f7e12d"
down_revision = "7ab35e91d804"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("products", "name")


def downgrade() -> None:
    # Nullable, so that rows can be filled and new code can go on inserting; the revision before requires it again.
    op.add_column("products", sa.Column("name", sa.Text(), nullable=True))
