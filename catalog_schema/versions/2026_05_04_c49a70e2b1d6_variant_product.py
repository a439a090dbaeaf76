"""Tie variants to their products by a foreign key

Revision ID: c49a70e2b1d6
Revises: b3f8165d0c2e
Create Date: 2026-05-04 10:30:00

"""

from alembic import op

revision = "c49a70e2b1d6"
down_revision = "b3f8165d0c2e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_foreign_key(
        op.f("fk_variants_product_id_products"), "variants", "products", ["product_id"], ["id"], ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_variants_product_id_products"), "variants", type_="foreignkey")
