"""Canary: changes nothing, and so proves the way to the database

Revision ID: 2d90f4be8a15
Revises: 1a6e0c7d3b42
Create Date: 2026-01-05 09:30:00

"""

from alembic import op

revision = "2d90f4be8a15"
down_revision = "1a6e0c7d3b42"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
