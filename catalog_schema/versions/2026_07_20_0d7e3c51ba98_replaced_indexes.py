"""Drop the indexes that the list indexes have replaced

Revision ID: 0d7e3c51ba98
Revises: f2a86b0d94c3
Create Date: 2026-07-20 10:00:00

"""

from alembic import op

revision = "0d7e3c51ba98"
down_revision = "f2a86b0d94c3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_prices_product_id"), "prices")
    op.drop_index(op.f("ix_reviews_product_id"), "reviews")


def downgrade() -> None:
    op.create_index(op.f("ix_reviews_product_id"), "reviews", ["product_id"])
    op.create_index(op.f("ix_prices_product_id"), "prices", ["product_id"])
