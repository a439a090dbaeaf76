"""Add products.tags beside the comma text legacy_tags

Revision ID: 4c1f0a9be2d7
Revises: 2d90f4be8a15
Create Date: 2026-02-02 10:00:00

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4c1f0a9be2d7"
down_revision = "2d90f4be8a15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=True))
    # Old application code reads tags as comma text: refuse what would come back as something else
    # (a comma inside a tag, a NULL element, one empty tag alone).
    op.create_check_constraint(
        op.f("ck_products_tags_fit_comma_text"),
        "products",
        "tags IS NOT DISTINCT FROM string_to_array(array_to_string(tags, ','), ',')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_products_tags_fit_comma_text"), "products", type_="check")
    op.drop_column("products", "tags")
