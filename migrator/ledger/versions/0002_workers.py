"""Leases of slices, what an operator has asked of a run, and rows that a backfill could not write.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE migrator.slices
    ADD COLUMN worker      text,
    ADD COLUMN token       bigint NOT NULL DEFAULT 0,
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN error       text;
COMMENT ON TABLE migrator.slices IS
    'A key range that one worker walks. cursor is the last key committed, as a JSON list of texts; '
    'it moves in the transaction that changes the rows. Whoever takes a slice raises its token, '
    'so that a worker whose lease has run out moves nothing more.';

CREATE TABLE migrator.controls (
    run_id       bigint PRIMARY KEY REFERENCES migrator.runs,
    paused_by    text,
    paused_at    timestamptz,
    cancelled_by text,
    settings     jsonb NOT NULL DEFAULT '{}',
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE migrator.controls IS
    'What an operator has asked of a run from another terminal. Workers read it before each chunk.';

CREATE TABLE migrator.failed_rows (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_id   bigint NOT NULL REFERENCES migrator.steps,
    purpose   text NOT NULL,
    key       jsonb NOT NULL,
    sqlstate  text NOT NULL,
    error     text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (step_id, purpose, key)
);
COMMENT ON TABLE migrator.failed_rows IS
    'Rows that the database refused to let a backfill write, by key, with the error. The cursor went on behind them.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("DROP TABLE migrator.failed_rows, migrator.controls")
    op.execute(
        "ALTER TABLE migrator.slices DROP COLUMN worker, DROP COLUMN token, DROP COLUMN lease_until, DROP COLUMN error"
    )
