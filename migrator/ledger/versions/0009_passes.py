"""A slice may be walked in several passes.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE migrator.slices ADD COLUMN ahead jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN migrator.slices.ahead IS
    'How far the passes have come that go before the last, whose key is the cursor; the first of them first.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


# What the passes before the last have done would be done once more.
DOWNGRADE = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM migrator.slices WHERE NOT done AND ahead <> '[]') THEN
        RAISE EXCEPTION 'a backfill is under way: let it end first';
    END IF;
END
$$;
ALTER TABLE migrator.slices DROP COLUMN ahead;
"""


def downgrade() -> None:
    op.execute(DOWNGRADE)
