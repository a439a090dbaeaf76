"""Index products.tags for the search by tag

Revision ID: 5e83b7c21f60
Revises: 4c1f0a9be2d7
Create Date: 2026-02-02 10:30:00

"""

from alembic import op

revision = "5e83b7c21f60"
down_revision = "4c1f0a9be2d7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("ix_products_tags"), "products", ["tags"], postgresql_using="gin", postgresql_concurrently=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f("ix_products_tags"), "products", postgresql_concurrently=True)
