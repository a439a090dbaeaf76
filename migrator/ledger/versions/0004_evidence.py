"""What gates have seen of the use of a column.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE migrator.evidence (
    step_id     bigint PRIMARY KEY REFERENCES migrator.steps,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    quiet_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    memory      jsonb NOT NULL,
    users       text[] NOT NULL,
    unknown     text[] NOT NULL
);
COMMENT ON TABLE migrator.evidence IS
    'What a gate has seen of the use of its column: since when nothing used it, who used it at the last look, what '
    'could not be seen. memory is what the next look compares with.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("DROP TABLE migrator.evidence")
