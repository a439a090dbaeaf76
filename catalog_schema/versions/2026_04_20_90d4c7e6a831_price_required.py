"""Require products.price and no longer products.price_cents

Revision ID: 90d4c7e6a831
Revises: 8e51f20ad7b3
Create Date: 2026-04-20 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "90d4c7e6a831"
down_revision = "8e51f20ad7b3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("products", "price", existing_type=sa.Numeric(12, 2), nullable=False)
    op.alter_column("products", "price_cents", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    op.alter_column("products", "price_cents", existing_type=sa.Integer(), nullable=False)
    op.alter_column("products", "price", existing_type=sa.Numeric(12, 2), nullable=True)
