"""Add product_descriptions beside products.description

Revision ID: d0b7e5834a1f
Revises: c49a70e2b1d6
Create Date: 2026-06-01 10:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "d0b7e5834a1f"
down_revision = "c49a70e2b1d6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_descriptions",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_descriptions")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("fk_product_descriptions_product_id_products"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("product_descriptions")
