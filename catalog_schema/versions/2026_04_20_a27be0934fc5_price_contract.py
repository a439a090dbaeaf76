"""Drop products.price_cents and the check on it

Revision ID: a27be0934fc5
Revises: 90d4c7e6a831
Create Date: 2026-04-20 10:30:00

"""

import sqlalchemy as sa
from alembic import op

revision = "a27be0934fc5"
down_revision = "90d4c7e6a831"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_products_price_cents_not_negative"), "products", type_="check")
    op.drop_column("products", "price_cents")


def downgrade() -> None:
    # Nullable, so that rows can be filled and new code can go on inserting; the revision before requires it again.
    op.add_column("products", sa.Column("price_cents", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_products_price_cents_not_negative"), "products", "price_cents >= 0")
