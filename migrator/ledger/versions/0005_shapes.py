"""The shape of the relations of a run, to tell when somebody else has changed it.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE migrator.shapes (
    run_id      bigint NOT NULL REFERENCES migrator.runs,
    relation    text NOT NULL,
    facts       jsonb NOT NULL,
    reading     text NOT NULL,
    settled     boolean NOT NULL DEFAULT true,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, relation)
);
COMMENT ON TABLE migrator.shapes IS
    'The columns, constraints, indexes and so on that the relations of a run had when migrator last left them. Not '
    'settled: a revision was under way when its process died. reading is who read them: server version and format.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("DROP TABLE migrator.shapes")
