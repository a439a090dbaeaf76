"""Index products, prices and reviews the way the list endpoints read them

Revision ID: f2a86b0d94c3
Revises: e15c92f6d07b
Create Date: 2026-07-06 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "f2a86b0d94c3"
down_revision = "e15c92f6d07b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    listed = sa.text("status = 'active'")
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("ix_products_newest", "products", newest, postgresql_where=listed)
    op.create_index("ix_products_category_newest", "products", ["category_id", *newest], postgresql_where=listed)
    op.create_index("ix_products_category_price", "products", ["category_id", "price", "id"], postgresql_where=listed)
    op.create_index("ix_prices_product_newest", "prices", ["product_id", sa.text("valid_from DESC")])
    op.create_index("ix_reviews_product_newest", "reviews", ["product_id", *newest])


def downgrade() -> None:
    op.drop_index("ix_reviews_product_newest", "reviews")
    op.drop_index("ix_prices_product_newest", "prices")
    op.drop_index("ix_products_category_price", "products")
    op.drop_index("ix_products_category_newest", "products")
    op.drop_index("ix_products_newest", "products")
