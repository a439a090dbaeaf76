"""How fast a step goes, for whoever asks from another terminal.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE migrator.steps ADD COLUMN progress jsonb;
COMMENT ON COLUMN migrator.steps.progress IS
    'What the process that works on the step has last told of its rows, once a second, and at what time.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("ALTER TABLE migrator.steps DROP COLUMN progress")
