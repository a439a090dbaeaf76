-- Written by python -m docs.generate: change the revisions in versions, not this.

CREATE TABLE migrator.ledger_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT ledger_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

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
CREATE INDEX events_run ON migrator.events (run_id, id);;

INSERT INTO migrator.ledger_version (version_num) VALUES ('0001') RETURNING migrator.ledger_version.version_num;

-- Running upgrade 0001 -> 0002

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
    'Rows that the database refused to let a backfill write, by key, with the error. The cursor went on behind them.';;

UPDATE migrator.ledger_version SET version_num='0002' WHERE migrator.ledger_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

ALTER TABLE migrator.steps ADD COLUMN work jsonb;

UPDATE migrator.ledger_version SET version_num='0003' WHERE migrator.ledger_version.version_num = '0002';

-- Running upgrade 0003 -> 0004

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
    'could not be seen. memory is what the next look compares with.';;

UPDATE migrator.ledger_version SET version_num='0004' WHERE migrator.ledger_version.version_num = '0003';

-- Running upgrade 0004 -> 0005

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
    'settled: a revision was under way when its process died. reading is who read them: server version and format.';;

UPDATE migrator.ledger_version SET version_num='0005' WHERE migrator.ledger_version.version_num = '0004';

-- Running upgrade 0005 -> 0006

ALTER TABLE migrator.archives
    ADD COLUMN kind        text NOT NULL DEFAULT 'column' CHECK (kind IN ('column', 'table', 'rows')),
    ADD COLUMN definitions jsonb NOT NULL DEFAULT '[]';
COMMENT ON TABLE migrator.archives IS
    'What contract removed. name is a table in schema migrator_archive, kept until migrator purge: a column with its '
    'key, a whole table (column_name is empty), or rows. definitions are what depended on it, to be made again.';

ALTER TABLE migrator.applications
    DROP CONSTRAINT applications_direction_check,
    ADD CONSTRAINT applications_direction_check CHECK (direction IN ('upgrade', 'downgrade', 'restore'));
COMMENT ON TABLE migrator.applications IS
    'One upgrade or downgrade of one Alembic revision, or one statement that restores what contract removed. An open '
    'one with journal entries is half applied.';;

UPDATE migrator.ledger_version SET version_num='0006' WHERE migrator.ledger_version.version_num = '0005';

-- Running upgrade 0006 -> 0007

ALTER TABLE migrator.steps ADD COLUMN progress jsonb;
COMMENT ON COLUMN migrator.steps.progress IS
    'What the process that works on the step has last told of its rows, once a second, and at what time.';;

UPDATE migrator.ledger_version SET version_num='0007' WHERE migrator.ledger_version.version_num = '0006';

-- Running upgrade 0007 -> 0008

ALTER TABLE migrator.archives
    DROP CONSTRAINT archives_kind_check,
    ADD CONSTRAINT archives_kind_check CHECK (kind IN ('column', 'table', 'rows', 'type'));
COMMENT ON TABLE migrator.archives IS
    'What contract removed. name is a table or a type in schema migrator_archive, kept until migrator purge: a column '
    'with its key, a whole table or a type (column_name is empty), or rows. definitions are what depended on it, to be '
    'made again.';;

UPDATE migrator.ledger_version SET version_num='0008' WHERE migrator.ledger_version.version_num = '0007';

-- Running upgrade 0008 -> 0009

ALTER TABLE migrator.slices ADD COLUMN ahead jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN migrator.slices.ahead IS
    'How far the passes have come that go before the last, whose key is the cursor; the first of them first.';;

UPDATE migrator.ledger_version SET version_num='0009' WHERE migrator.ledger_version.version_num = '0008';
