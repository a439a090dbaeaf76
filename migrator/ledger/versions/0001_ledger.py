"""The ledger: runs, steps, journal, slices, dual writes, approvals, events.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE migrator.runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan        text NOT NULL,
    fingerprint text NOT NULL,
    document    jsonb NOT NULL,
    state       text NOT NULL CHECK (state IN
                ('running', 'waiting', 'stopped', 'failed', 'in progress', 'complete', 'rolled back')),
    direction   text NOT NULL DEFAULT 'forward' CHECK (direction IN ('forward', 'back')),
    started_by  text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    error       text
);
COMMENT ON TABLE migrator.runs IS 'One execution of one plan. document is the meaning of the plan when it began.';
CREATE UNIQUE INDEX runs_open_plan ON migrator.runs (plan) WHERE state <> 'rolled back';

CREATE TABLE migrator.steps (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL REFERENCES migrator.runs,
    position    integer NOT NULL,
    phase       text NOT NULL,
    kind        text NOT NULL,
    title       text NOT NULL,
    state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'done', 'undoing')),
    attempts    integer NOT NULL DEFAULT 0,
    seconds     double precision NOT NULL DEFAULT 0,
    started_at  timestamptz,
    finished_at timestamptz,
    detail      text,
    error       text,
    UNIQUE (run_id, position)
);
COMMENT ON TABLE migrator.steps IS 'The steps of a run. seconds adds up the time of all attempts.';

CREATE TABLE migrator.applications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     text NOT NULL,
    revision    text NOT NULL,
    direction   text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'complete', 'abandoned')),
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
COMMENT ON TABLE migrator.applications IS
    'One upgrade or downgrade of one Alembic revision. An open one with journal entries is half applied.';
CREATE UNIQUE INDEX applications_open ON migrator.applications (project, revision, direction) WHERE state = 'open';

CREATE TABLE migrator.journal (
    application_id bigint NOT NULL REFERENCES migrator.applications,
    ordinal     integer NOT NULL,
    part        integer NOT NULL,
    digest      text NOT NULL,
    sql         text NOT NULL,
    kind        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('planned', 'started', 'done')),
    leftover    jsonb,
    started_at  timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (application_id, ordinal, part)
);
COMMENT ON TABLE migrator.journal IS
    'The committed statements of a revision, written in the transaction that they are committed in. '
    'digest is of the statement as the revision sent it; part counts the pieces of its online form, '
    'which are planned before the first is run, because what they do changes what would be planned.';

CREATE TABLE migrator.slices (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_id      bigint NOT NULL REFERENCES migrator.steps,
    purpose      text NOT NULL,
    number       integer NOT NULL,
    lower_key    jsonb,
    upper_key    jsonb NOT NULL,
    cursor       jsonb,
    rows_done    bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    chunks       bigint NOT NULL DEFAULT 0,
    rows_total   bigint NOT NULL,
    done         boolean NOT NULL DEFAULT false,
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (step_id, purpose, number)
) WITH (fillfactor = 50);
COMMENT ON TABLE migrator.slices IS
    'A key range that one worker walks. cursor is the last key committed, as a JSON list of texts; '
    'it moves in the transaction that changes the rows.';

CREATE TABLE migrator.dual_writes (
    step_id     bigint PRIMARY KEY REFERENCES migrator.steps,
    state       text NOT NULL CHECK (state IN ('active', 'removed', 'refilling')),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE migrator.dual_writes IS
    'Which dual-write triggers are installed. refilling: they are back, and the old shape is being filled.';

CREATE TABLE migrator.archives (
    name        text PRIMARY KEY,
    step_id     bigint NOT NULL REFERENCES migrator.steps,
    table_name  text NOT NULL,
    column_name text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE migrator.archives IS
    'Columns that contract dropped. name is a table in schema migrator_archive, kept until migrator purge.';

CREATE TABLE migrator.approvals (
    step_id     bigint PRIMARY KEY REFERENCES migrator.steps,
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    note        text NOT NULL DEFAULT ''
);

CREATE TABLE migrator.events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL REFERENCES migrator.runs,
    step_id     bigint REFERENCES migrator.steps,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    by          text NOT NULL,
    event       text NOT NULL,
    data        jsonb NOT NULL
);
CREATE INDEX events_run ON migrator.events (run_id, id);
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(
        "DROP TABLE migrator.events, migrator.approvals, migrator.archives, migrator.dual_writes, migrator.slices, "
        "migrator.journal, migrator.applications, migrator.steps, migrator.runs"
    )
