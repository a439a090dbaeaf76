"""What workers in other processes are to do, as the process that leads them has read it.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE migrator.steps ADD COLUMN work jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE migrator.steps DROP COLUMN work")
