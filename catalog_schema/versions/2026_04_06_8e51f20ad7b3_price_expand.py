"""Add products.price beside products.price_cents

Revision ID: 8e51f20ad7b3
Revises: 83c0b6f7e12d
Create Date: 2026-04-06 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "8e51f20ad7b3"
down_revision = "83c0b6f7e12d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("price", sa.Numeric(12, 2), nullable=True))
    op.create_check_constraint(op.f("ck_products_price_not_negative"), "products", "price >= 0")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_products_price_not_negative"), "products", type_="check")
    op.drop_column("products", "price")
