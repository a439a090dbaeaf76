-- All bookkeeping SQL. One named statement each; parameters are psycopg's %(name)s.

-- name: blockers_of
SELECT a.pid, a.application_name, a.usename, a.state,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change, a.backend_start)), a.query
FROM pg_stat_activity a
WHERE a.pid = ANY (pg_blocking_pids(%(pid)s))
ORDER BY a.xact_start NULLS LAST

-- name: lock_holders
SELECT a.pid, a.application_name, a.usename, a.state,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change, a.backend_start)), a.query
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid()
  AND EXISTS (SELECT FROM pg_locks l
              WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND l.relation = ANY (SELECT to_regclass(r)::oid FROM unnest(%(relations)s::text[]) r))
ORDER BY a.xact_start NULLS LAST

-- name: old_transactions
SELECT a.pid, a.application_name, a.usename, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start), a.query
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.backend_type = 'client backend' AND a.xact_start IS NOT NULL
  AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
ORDER BY a.xact_start

-- name: leftover_sessions
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> ALL (%(spare)s::int[]) AND usename = current_user
  AND application_name ~ '^migrator (apply|backfill|rollback|upgrade|downgrade) ' AND application_name !~ '\(lock\)$'

-- name: end_session
SELECT pg_terminate_backend(%(pid)s, 5000)

-- name: try_lock
SELECT pg_try_advisory_lock(%(key)s)

-- name: unlock
SELECT pg_advisory_unlock(%(key)s)

-- name: lock_owner
SELECT a.pid, a.application_name, a.usename, a.state,
       extract(epoch FROM clock_timestamp() - a.backend_start), ''
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = %(key)s

-- name: run_insert
INSERT INTO migrator.runs (plan, fingerprint, document, state, started_by)
VALUES (%(plan)s, %(fingerprint)s, %(document)s, 'running', %(by)s) RETURNING id

-- name: run_open
SELECT id, plan, fingerprint, document, state, direction, started_by, started_at, error
FROM migrator.runs WHERE plan = %(plan)s AND state <> 'rolled back'

-- name: run_last
SELECT id, plan, fingerprint, document, state, direction, started_by, started_at, error
FROM migrator.runs WHERE plan = %(plan)s ORDER BY id DESC LIMIT 1

-- name: run_set
UPDATE migrator.runs
SET state = %(state)s, direction = coalesce(%(direction)s, direction), error = %(error)s, updated_at = clock_timestamp()
WHERE id = %(run)s

-- name: run_set_document
UPDATE migrator.runs
SET fingerprint = %(fingerprint)s, document = %(document)s, updated_at = clock_timestamp() WHERE id = %(run)s

-- name: step_insert
INSERT INTO migrator.steps (run_id, position, phase, kind, title)
VALUES (%(run)s, %(position)s, %(phase)s, %(kind)s, %(title)s)

-- name: steps_of_run
SELECT s.id, s.position, s.phase, s.kind, s.title, s.state, s.attempts, s.seconds, s.started_at, s.finished_at,
       s.detail, s.error, x.rows_done, x.rows_total, coalesce(x.workers, 0),
       (SELECT count(*) FROM migrator.failed_rows f WHERE f.step_id = s.id),
       CASE WHEN s.state IN ('running', 'undoing') AND s.progress ->> 'at' IS NOT NULL
                 AND clock_timestamp() - (s.progress ->> 'at')::timestamptz < interval '10 s' THEN s.progress END
FROM migrator.steps s
LEFT JOIN LATERAL (
    SELECT sum(rows_done)::bigint AS rows_done, sum(greatest(rows_total, rows_done))::bigint AS rows_total,
           count(*) FILTER (WHERE NOT done AND worker IS NOT NULL AND lease_until > clock_timestamp()) AS workers
    FROM migrator.slices
    WHERE step_id = s.id AND purpose LIKE CASE WHEN s.kind = 'dual_write' THEN 'refill' ELSE 'fill%%' END AND purpose NOT LIKE '%% sweep'
) x ON true
WHERE s.run_id = %(run)s ORDER BY s.position

-- name: step_start
UPDATE migrator.steps
SET state = %(state)s, attempts = attempts + 1, started_at = clock_timestamp(), finished_at = NULL, error = NULL
WHERE id = %(step)s RETURNING attempts

-- name: step_progress
UPDATE migrator.steps SET progress = %(progress)s::jsonb || jsonb_build_object('at', clock_timestamp())
WHERE id = %(step)s

-- name: step_finish
UPDATE migrator.steps
SET state = %(state)s, finished_at = clock_timestamp(), detail = %(detail)s, error = NULL,
    seconds = seconds + extract(epoch FROM clock_timestamp() - started_at)
WHERE id = %(step)s

-- name: step_reset
UPDATE migrator.steps SET state = 'pending', started_at = NULL WHERE id = %(step)s

-- name: step_error
UPDATE migrator.steps
SET error = %(error)s, seconds = seconds + extract(epoch FROM clock_timestamp() - started_at)
WHERE id = %(step)s

-- name: controls_of
SELECT paused_by, paused_at, cancelled_by, settings FROM migrator.controls WHERE run_id = %(run)s

-- name: controls_pause
INSERT INTO migrator.controls (run_id, paused_by, paused_at) VALUES (%(run)s, %(by)s, clock_timestamp())
ON CONFLICT (run_id) DO UPDATE
SET paused_by = coalesce(controls.paused_by, EXCLUDED.paused_by),
    paused_at = coalesce(controls.paused_at, EXCLUDED.paused_at), updated_at = clock_timestamp()

-- name: controls_resume
UPDATE migrator.controls SET paused_by = NULL, paused_at = NULL, updated_at = clock_timestamp() WHERE run_id = %(run)s

-- name: controls_cancel
INSERT INTO migrator.controls (run_id, cancelled_by) VALUES (%(run)s, %(by)s)
ON CONFLICT (run_id) DO UPDATE SET cancelled_by = EXCLUDED.cancelled_by, updated_at = clock_timestamp()

-- name: controls_set
INSERT INTO migrator.controls (run_id, settings) VALUES (%(run)s, %(settings)s)
ON CONFLICT (run_id) DO UPDATE
SET settings = controls.settings || EXCLUDED.settings, updated_at = clock_timestamp()

-- name: approval_insert
INSERT INTO migrator.approvals (step_id, approved_by, note) VALUES (%(step)s, %(by)s, %(note)s)
ON CONFLICT (step_id) DO NOTHING

-- name: approval_of
SELECT approved_by, approved_at, note FROM migrator.approvals WHERE step_id = %(step)s

-- name: approval_delete
DELETE FROM migrator.approvals WHERE step_id = %(step)s

-- name: evidence_of
SELECT memory FROM migrator.evidence WHERE step_id = %(step)s

-- name: evidence_set
INSERT INTO migrator.evidence (step_id, memory, users, unknown) VALUES (%(step)s, %(memory)s, %(users)s, %(unknown)s)
ON CONFLICT (step_id) DO UPDATE SET memory = EXCLUDED.memory, users = EXCLUDED.users, unknown = EXCLUDED.unknown,
    seen_at = clock_timestamp(),
    quiet_since = CASE WHEN %(quiet)s THEN evidence.quiet_since ELSE clock_timestamp() END
RETURNING quiet_since, seen_at

-- name: evidence_delete
DELETE FROM migrator.evidence WHERE step_id = %(step)s

-- name: dependents_of_column
SELECT DISTINCT CASE WHEN d.classid = 'pg_rewrite'::regclass
    THEN (SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || c.oid::regclass
          FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid)
    ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END
FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %(table)s AND a.attname = %(column)s
  AND (d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass)
    OR d.classid = 'pg_class'::regclass AND d.objid = d.refobjid AND d.objsubid > 0
    OR d.classid = 'pg_attrdef'::regclass AND EXISTS (
        SELECT FROM pg_attrdef g WHERE g.oid = d.objid AND (g.adrelid, g.adnum) <> (a.attrelid, a.attnum))
    OR d.classid = 'pg_trigger'::regclass AND EXISTS (
        SELECT FROM pg_trigger t WHERE t.oid = d.objid AND NOT tgisinternal AND NOT starts_with(tgname, 'zz_migrator_'))
    OR d.classid = 'pg_constraint'::regclass AND EXISTS (
        SELECT FROM pg_constraint c WHERE c.oid = d.objid AND contype = 'f'))
ORDER BY 1

-- name: dependents_of_table
SELECT DISTINCT CASE WHEN d.classid = 'pg_rewrite'::regclass
    THEN (SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || c.oid::regclass
          FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid)
    ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END
FROM pg_depend d
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %(table)s
  AND (d.classid IN ('pg_proc'::regclass, 'pg_publication_rel'::regclass)
    OR d.classid = 'pg_rewrite'::regclass AND EXISTS (
        SELECT FROM pg_rewrite r WHERE r.oid = d.objid AND r.ev_class <> d.refobjid)
    OR d.classid = 'pg_policy'::regclass AND EXISTS (
        SELECT FROM pg_policy p WHERE p.oid = d.objid AND p.polrelid <> d.refobjid)
    OR d.classid = 'pg_constraint'::regclass AND EXISTS (
        SELECT FROM pg_constraint c WHERE c.oid = d.objid AND contype = 'f' AND conrelid <> d.refobjid))
ORDER BY 1

-- name: clients
SELECT pid, application_name, usename, host(client_addr) FROM pg_stat_activity
WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend'
ORDER BY backend_start

-- name: functions_with_text
SELECT p.oid::regprocedure::text, p.prosrc,
       EXISTS (SELECT FROM pg_trigger WHERE tgfoid = p.oid AND tgrelid = %(table)s)
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE l.lanname NOT IN ('c', 'internal') AND NOT starts_with(p.proname, 'zz_migrator_')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'migrator', 'migrator_archive')
ORDER BY 1

-- name: sessions_with_text
SELECT pid, application_name, usename, query FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND query <> ''
  AND NOT starts_with(application_name, 'migrator ')
  AND (state <> 'idle' OR query_start > clock_timestamp() - interval '1 minute')

-- name: statements_schema
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'

-- name: event_insert
INSERT INTO migrator.events (run_id, step_id, by, event, data)
VALUES (%(run)s, %(step)s, %(by)s, %(event)s, %(data)s)

-- name: events_list
SELECT e.at, r.plan, r.id, e.event, coalesce(s.phase || ' ' || s.title, ''), e.by, e.data
FROM migrator.events e JOIN migrator.runs r ON r.id = e.run_id LEFT JOIN migrator.steps s ON s.id = e.step_id
WHERE %(plan)s::text IS NULL OR r.plan = %(plan)s
ORDER BY e.id DESC LIMIT %(limit)s

-- name: dual_write_set
INSERT INTO migrator.dual_writes (step_id, state) VALUES (%(step)s, %(state)s)
ON CONFLICT (step_id) DO UPDATE SET state = EXCLUDED.state, changed_at = clock_timestamp()

-- name: dual_write_delete
DELETE FROM migrator.dual_writes WHERE step_id = %(step)s

-- name: dual_write_state
SELECT state FROM migrator.dual_writes WHERE step_id = %(step)s

-- name: is_for_passes
SELECT c.relpages >= %(pages)s AND c.reltuples / greatest(c.relpages, 1) >= 4 AND abs(s.correlation) >= 0.9
   AND NOT EXISTS (
    SELECT FROM pg_index i
    JOIN pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_am am ON am.oid = ic.relam
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (%(written)s::name[])
    WHERE i.indrelid = c.oid
      AND NOT (am.amname = 'brin' AND current_setting('server_version_num')::int >= 160000)
      AND (a.attnum = ANY (i.indkey) OR EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum)))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = %(key)s AND NOT s.inherited
WHERE c.oid = %(oid)s

-- name: slice_insert
INSERT INTO migrator.slices (step_id, purpose, number, lower_key, upper_key, ahead, rows_total)
VALUES (%(step)s, %(purpose)s, %(number)s, %(lower)s, %(upper)s, %(ahead)s, %(rows)s)

-- name: slices_of_step
SELECT id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token
FROM migrator.slices WHERE step_id = %(step)s AND purpose = %(purpose)s ORDER BY number

-- name: slice_take
UPDATE migrator.slices
SET worker = %(worker)s, token = token + 1, lease_until = clock_timestamp() + %(lease)s
WHERE id = (SELECT id FROM migrator.slices
            WHERE step_id = %(step)s AND purpose = %(purpose)s AND NOT done
              AND (lease_until IS NULL OR lease_until < clock_timestamp())
            ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token

-- name: slice_note_error
UPDATE migrator.slices SET error = %(error)s
WHERE id = (SELECT min(id) FROM migrator.slices WHERE step_id = %(step)s AND purpose = %(purpose)s AND NOT done)

-- name: slices_state
SELECT bool_and(done), coalesce(sum(rows_done), 0)::bigint, coalesce(sum(rows_changed), 0)::bigint,
       coalesce(sum(greatest(rows_total, rows_done)), 0)::bigint,
       count(*) FILTER (WHERE NOT done AND worker IS NOT NULL AND lease_until > clock_timestamp()), max(error)
FROM migrator.slices WHERE step_id = %(step)s AND purpose = %(purpose)s

-- name: step_work
SELECT work FROM migrator.steps WHERE id = %(step)s

-- name: step_set_work
UPDATE migrator.steps SET work = %(work)s WHERE id = %(step)s

-- name: step_open
SELECT r.id, r.plan, r.fingerprint, r.document, r.state, r.direction, r.started_by, r.started_at, r.error, s.work
FROM migrator.steps s JOIN migrator.runs r ON r.id = s.run_id
WHERE s.id = %(step)s AND s.attempts = %(attempt)s AND s.state = 'running' AND r.state = 'running'
  AND EXISTS (SELECT FROM pg_locks l
              WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (l.classid::bigint << 32 | l.objid::bigint) = %(key)s)

-- name: slice_renew
UPDATE migrator.slices SET lease_until = clock_timestamp() + %(lease)s
WHERE id = %(slice)s AND token = %(token)s RETURNING id

-- name: slice_give_back
UPDATE migrator.slices SET worker = NULL, lease_until = NULL, token = token + 1
WHERE id = %(slice)s AND token = %(token)s

-- name: slices_free
UPDATE migrator.slices SET worker = NULL, lease_until = NULL, token = token + 1, error = NULL
WHERE step_id = %(step)s AND purpose = %(purpose)s AND (lease_until IS NOT NULL OR error IS NOT NULL)

-- name: slices_to_cut
SELECT id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token
FROM migrator.slices WHERE step_id = %(step)s AND purpose = %(purpose)s AND NOT done
ORDER BY rows_total - rows_done DESC LIMIT %(most)s

-- name: slice_now
SELECT id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token
FROM migrator.slices WHERE id = %(slice)s AND token = %(token)s AND NOT done

-- name: step_hold
SELECT s.id FROM migrator.steps s JOIN migrator.runs r ON r.id = s.run_id
WHERE s.id = %(step)s AND (%(attempt)s::int IS NULL
                           OR s.attempts = %(attempt)s AND s.state = 'running' AND r.state = 'running')
FOR NO KEY UPDATE OF s

-- name: slice_hold
SELECT id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token
FROM migrator.slices
WHERE id = %(slice)s AND NOT done AND upper_key = %(upper)s FOR UPDATE

-- name: slice_cut
WITH lower AS (
    UPDATE migrator.slices s
    SET upper_key = %(middle)s, ahead = %(ahead)s,
        rows_total = s.rows_done + greatest(s.rows_total - s.rows_done, 0) / 2
    FROM (SELECT id, greatest(rows_total - rows_done, 0) AS rest FROM migrator.slices WHERE id = %(slice)s) old
    WHERE s.id = old.id RETURNING s.step_id, s.purpose, old.rest
)
INSERT INTO migrator.slices
    (step_id, purpose, number, lower_key, upper_key, ahead, rows_total, worker, token, lease_until)
SELECT step_id, purpose,
       (SELECT max(number) + 1 FROM migrator.slices o WHERE o.step_id = lower.step_id AND o.purpose = lower.purpose),
       %(middle)s, %(upper)s, %(behind)s, rest - rest / 2, %(worker)s, 1, clock_timestamp() + %(lease)s
FROM lower
RETURNING id, number, lower_key, upper_key, cursor, ahead, rows_done, rows_changed, rows_total, done, token

-- name: slices_delete
DELETE FROM migrator.slices WHERE step_id = %(step)s AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)

-- name: failed_rows
SELECT id, key, error FROM migrator.failed_rows
WHERE step_id = %(step)s AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s) ORDER BY id

-- name: failed_row_again
UPDATE migrator.failed_rows SET sqlstate = %(sqlstate)s, error = %(error)s, failed_at = clock_timestamp()
WHERE id = %(id)s

-- name: slices_postponed
SELECT EXISTS (SELECT FROM migrator.slices
               WHERE step_id = %(step)s AND purpose = %(purpose)s AND NOT done AND worker IS NULL)

-- name: slice_postpone
UPDATE migrator.slices SET worker = NULL, token = token + 1, lease_until = clock_timestamp() + %(pause)s
WHERE id = %(slice)s AND token = %(token)s

-- name: failed_row_delete
DELETE FROM migrator.failed_rows WHERE id = %(id)s

-- name: failed_rows_delete
DELETE FROM migrator.failed_rows WHERE step_id = %(step)s AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)

-- name: application_open
SELECT id, revision, direction FROM migrator.applications
WHERE project = %(project)s AND state = 'open' ORDER BY id

-- name: application_insert
INSERT INTO migrator.applications (project, revision, direction)
VALUES (%(project)s, %(revision)s, %(direction)s) RETURNING id

-- name: application_finish
UPDATE migrator.applications SET state = %(state)s, finished_at = clock_timestamp() WHERE id = %(application)s

-- name: journal_of
SELECT ordinal, part, digest, sql, kind, state, leftover, started_at, finished_at FROM migrator.journal
WHERE application_id = %(application)s ORDER BY ordinal, part

-- name: journal_insert
INSERT INTO migrator.journal
    (application_id, ordinal, part, digest, sql, kind, state, leftover, started_at, finished_at)
SELECT %(application)s, ordinal, part, digest, sql, kind, state, leftover, started_at, finished_at
FROM jsonb_to_recordset(%(entries)s::jsonb) AS entry
     (ordinal int, part int, digest text, sql text, kind text, state text, leftover jsonb,
      started_at timestamptz, finished_at timestamptz)
ON CONFLICT (application_id, ordinal, part) DO UPDATE
SET state = EXCLUDED.state, sql = EXCLUDED.sql, leftover = EXCLUDED.leftover,
    started_at = EXCLUDED.started_at, finished_at = EXCLUDED.finished_at

-- name: journal_complete
WITH application AS (
    INSERT INTO migrator.applications (project, revision, direction, state, finished_at)
    VALUES (%(project)s, %(revision)s, %(direction)s, 'complete', clock_timestamp()) RETURNING id
)
INSERT INTO migrator.journal
    (application_id, ordinal, part, digest, sql, kind, state, leftover, started_at, finished_at)
SELECT application.id, ordinal, part, digest, sql, kind, entry.state, leftover, started_at, finished_at
FROM application, jsonb_to_recordset(%(entries)s::jsonb) AS entry
     (ordinal int, part int, digest text, sql text, kind text, state text, leftover jsonb,
      started_at timestamptz, finished_at timestamptz)

-- name: table_of
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind, c.reltuples::bigint, c.relpages,
       EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%(table)s)

-- name: tables_at_hand
SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'migrator')

-- name: key_of
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(oid)s AND i.indisprimary AND k.place <= i.indnkeyatts
ORDER BY k.place

-- name: columns_of
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '',
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text ELSE '' END,
       format_type(a.atttypid, -1), a.attidentity <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: index_named
SELECT i.indisvalid, pg_get_indexdef(i.indexrelid),
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
FROM pg_index i WHERE i.indexrelid = to_regclass(%(index)s)

-- name: build_progress
SELECT phase, blocks_done + tuples_done, blocks_total + tuples_total, current_locker_pid
FROM pg_stat_progress_create_index WHERE pid = %(pid)s

-- name: search_path
SELECT current_setting('search_path'), current_schemas(false)::text[]

-- name: fact_relation
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, c.relispopulated,
       EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
               AND pid <> pg_backend_pid() AND relation = c.oid
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
       c.relpersistence = 'u'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%(name)s)

-- name: fact_full_name
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%(name)s)

-- name: fact_columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

-- name: fact_constraints
SELECT c.conname, c.contype::text, c.convalidated, coalesce(pg_get_expr(c.conbin, c.conrelid), ''), fn.nspname, f.relname,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.place)
FROM pg_constraint c LEFT JOIN pg_class f ON f.oid = c.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE c.conrelid = %(oid)s AND (c.contype <> 'f' OR c.conparentid = 0) ORDER BY c.conname

-- name: fact_indexes
SELECT n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       i.indisunique, i.indisvalid, i.indpred IS NOT NULL, i.indexprs IS NOT NULL,
       (SELECT conname FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') LIMIT 1),
       c.relkind = 'I',
       (SELECT m.amname = 'btree' FROM pg_am m WHERE m.oid = c.relam)
         AND NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass::oid[]) AND NOT o.opcdefault)
         AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[]) k (attnum, collated)
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                         WHERE k.collated NOT IN (0, a.attcollation)),
       ARRAY(SELECT a.attname::text FROM pg_depend d
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
             WHERE (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL) AND d.classid = 'pg_class'::regclass
               AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
               AND d.refobjsubid > 0)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = %(oid)s ORDER BY c.relname

-- name: fact_relatives
SELECT 'parent', n.nspname, c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhparent
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE h.inhrelid = %(oid)s
UNION ALL
SELECT CASE WHEN pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' THEN 'default' ELSE 'child' END, n.nspname, c.relname
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE h.inhparent = %(oid)s
UNION ALL
SELECT DISTINCT 'referenced by', n.nspname, c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = %(oid)s AND k.conrelid <> %(oid)s AND k.conparentid = 0

-- name: fact_partition_key
SELECT a.attname FROM pg_partitioned_table k, unnest(k.partattrs::int2[]) WITH ORDINALITY p (attnum, place)
JOIN pg_attribute a ON a.attnum = p.attnum WHERE k.partrelid = %(oid)s AND a.attrelid = %(oid)s ORDER BY p.place

-- name: leading_columns
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %(oid)s AND i.indisvalid AND i.indpred IS NULL

-- name: partition_columns
SELECT coalesce(a.attname, '') FROM pg_partition_tree(%(oid)s::oid) t JOIN pg_partitioned_table k ON k.partrelid = t.relid
CROSS JOIN LATERAL unnest(k.partattrs::int2[]) p (attnum)
LEFT JOIN pg_attribute a ON a.attrelid = k.partrelid AND a.attnum = p.attnum AND p.attnum > 0

-- name: fact_index_table
SELECT t.relname, n.nspname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.indexrelid = to_regclass(%(name)s)

-- name: fact_volatility
SELECT max(CASE provolatile WHEN 'i' THEN 0 WHEN 's' THEN 1 ELSE 2 END) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = %(name)s
  AND CASE WHEN %(schema)s::text IS NULL THEN n.nspname = ANY (current_schemas(true)) ELSE n.nspname = %(schema)s END

-- name: fact_domain
WITH RECURSIVE under (oid, typnotnull, typtype, typbasetype) AS (
  SELECT t.oid, t.typnotnull, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = to_regtype(%(name)s)
  UNION ALL
  SELECT t.oid, t.typnotnull, t.typtype, t.typbasetype FROM under u JOIN pg_type t ON t.oid = u.typbasetype
  WHERE u.typtype = 'd')
SELECT bool_or(typtype = 'd' AND (typnotnull OR EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = under.oid)))
FROM under HAVING count(*) > 0

-- name: fact_underlying_type
WITH RECURSIVE under (oid, modifier, typtype, typbasetype, typtypmod) AS (
  SELECT t.oid, -1, t.typtype, t.typbasetype, t.typtypmod FROM pg_type t WHERE t.oid = to_regtype(%(name)s)
  UNION ALL
  SELECT t.oid, u.typtypmod, t.typtype, t.typbasetype, t.typtypmod FROM under u JOIN pg_type t ON t.oid = u.typbasetype
  WHERE u.typtype = 'd')
SELECT format_type(oid, modifier) FROM under WHERE typtype <> 'd'

-- name: fact_domain_default
SELECT typdefault FROM pg_type WHERE oid = to_regtype(%(name)s) AND typtype = 'd'

-- name: fact_domain_users
SELECT DISTINCT n.nspname, c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid = to_regtype(%(name)s) AND c.relkind IN ('r', 'p') AND NOT a.attisdropped

-- name: tables_with_pages
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'migrator')
  AND c.relname <> 'alembic_version' AND pg_relation_size(c.oid) > 0
ORDER BY pg_relation_size(c.oid) DESC

-- name: fact_taken
SELECT to_regclass(%(quoted)s) IS NOT NULL
    OR EXISTS (SELECT FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
               WHERE c.conname = %(name)s
                 AND CASE WHEN %(schema)s::text IS NULL THEN n.nspname = ANY (current_schemas(false)) ELSE n.nspname = %(schema)s END)

-- name: fact_settings
SELECT current_setting('server_version_num')::int / 10000, current_setting('TimeZone')

-- name: held_up_by
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND pid <> %(pid)s AND %(pid)s = ANY (pg_blocking_pids(pid))

-- name: cancel_statement
SELECT pg_cancel_backend(%(pid)s)

-- name: constraint_names
SELECT conname::text FROM pg_constraint WHERE conrelid = to_regclass(%(table)s)

-- name: invalid_transients
SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
  AND (i.indrelid = to_regclass(%(relation)s)
       OR i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass(%(relation)s)))

-- name: journal_forget
DELETE FROM migrator.journal WHERE application_id = %(application)s AND ordinal = %(ordinal)s

-- name: pending_detach
SELECT p.nspname, pc.relname FROM pg_inherits h
JOIN pg_class pc ON pc.oid = h.inhparent JOIN pg_namespace p ON p.oid = pc.relnamespace
WHERE h.inhrelid = to_regclass(%(relation)s) AND h.inhdetachpending

-- name: is_partition
SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%(relation)s))

-- name: index_definitions
SELECT (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass(%(one)s)) = to_regclass(%(table)s),
       pg_get_indexdef(to_regclass(%(one)s)), pg_get_indexdef(to_regclass(%(other)s))

-- name: half_applied
SELECT a.revision FROM migrator.applications a
WHERE (%(project)s::text IS NULL OR a.project = %(project)s) AND a.direction = %(direction)s AND a.state = 'open'
  AND EXISTS (SELECT FROM migrator.journal j WHERE j.application_id = a.id)
ORDER BY a.id

-- name: archive_insert
INSERT INTO migrator.archives (step_id, name, kind, table_name, column_name, definitions)
VALUES (%(step)s, %(name)s, %(kind)s, %(table)s, %(column)s, %(definitions)s) ON CONFLICT DO NOTHING

-- name: archive_entries
SELECT name, table_name, column_name, definitions, kind FROM migrator.archives
WHERE step_id = %(step)s AND kind IN ('column', 'table', 'type') ORDER BY name

-- name: archive_set_names
UPDATE migrator.archives SET definitions = %(names)s::text::jsonb
       || (SELECT coalesce(jsonb_agg(one), '[]') FROM jsonb_array_elements(definitions) one
           WHERE one->>'kind' NOT IN ('partition', 'renamed'))
WHERE name = %(name)s

-- name: names_taken_in_archive
SELECT c.relname FROM pg_class c
WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = %(oid)s
                UNION ALL
                SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
                  AND refobjid = %(oid)s AND refobjsubid > 0 AND deptype IN ('a', 'i'))
  AND c.relkind IN ('i', 'I', 'S') AND to_regclass('migrator_archive.' || quote_ident(c.relname)) IS NOT NULL
ORDER BY 1

-- name: archive_delete
DELETE FROM migrator.archives WHERE name = %(name)s

-- name: archives_of
SELECT a.name, r.plan, a.table_name, a.column_name, a.created_at,
       coalesce(pg_total_relation_size(to_regclass('migrator_archive.' || quote_ident(a.name))), 0)
       + coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(to_regclass('migrator_archive.' || quote_ident(a.name)))
                   WHERE isleaf AND level > 0), 0)::bigint,
       extract(epoch FROM clock_timestamp() - a.created_at)::float8, a.kind
FROM migrator.archives a JOIN migrator.steps s ON s.id = a.step_id JOIN migrator.runs r ON r.id = s.run_id
WHERE (%(plan)s::text IS NULL OR r.plan = %(plan)s) AND s.state = 'done'
  AND a.created_at <= clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY a.created_at

-- name: archives_of_step
SELECT name, kind, table_name, column_name,
       coalesce(pg_total_relation_size(to_regclass('migrator_archive.' || quote_ident(name))), 0)
       + coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(to_regclass('migrator_archive.' || quote_ident(name)))
                   WHERE isleaf AND level > 0), 0)::bigint,
       coalesce(to_regclass('migrator_archive.' || quote_ident(name))::text, to_regtype('migrator_archive.' || quote_ident(name))::text) IS NOT NULL
FROM migrator.archives WHERE step_id = %(step)s ORDER BY name

-- name: schema_of
SELECT nspname FROM pg_namespace
WHERE oid = coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%(name)s)),
                     (SELECT typnamespace FROM pg_type WHERE oid = to_regtype(%(name)s)))

-- name: type_of
SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid = to_regtype(%(name)s)
  AND (t.typtype IN ('e', 'd') OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))

-- name: domain_of
WITH RECURSIVE under AS (
    SELECT t.*, 0 AS depth FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
    WHERE a.attrelid = %(copy)s AND a.attname = %(column)s
    UNION ALL
    SELECT t.*, u.depth + 1 FROM under u JOIN pg_type t ON t.oid = u.typbasetype AND t.typtype = 'd'),
the AS (
    SELECT bool_or(typnotnull) AS required,
           bool_or(typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = under.oid)) AS has_rules,
           (array_agg(pg_get_expr(typdefaultbin, 'pg_type'::regclass) ORDER BY depth)
            FILTER (WHERE typdefaultbin IS NOT NULL))[1] AS made,
           (array_agg(format_type(oid, NULL) ORDER BY depth))[1] AS name,
           (array_agg(format_type(typbasetype, typtypmod) ORDER BY depth DESC))[1] AS base
    FROM under)
SELECT base, made, name, required FROM the WHERE has_rules

-- name: size_of_table
SELECT pg_relation_size(%(table)s)
       + coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(%(table)s::oid::regclass)), 0)

-- name: twin_of_type
SELECT format(CASE typtype WHEN 'd' THEN 'CREATE DOMAIN %%s AS integer' ELSE 'CREATE TYPE %%s AS ENUM ()' END, %(type)s::text)
FROM pg_type WHERE oid = %(type)s::regtype

-- name: users_of_type
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_type t JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, nullif(t.typarray, 0))
  AND d.deptype = 'n'
WHERE t.oid = %(type)s::regtype
  AND (pg_identify_object(d.classid, d.objid, d.objsubid)).identity NOT LIKE '%%migrator_archive.%%'
ORDER BY 1

-- name: cascades_to
SELECT DISTINCT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = %(oid)s AND k.conparentid = 0 AND k.confdeltype IN ('c', 'n', 'd')
ORDER BY 1

-- name: standbys
SELECT coalesce(nullif(application_name, ''), client_addr::text, 'standby'),
       pg_wal_lsn_diff(coalesce(replay_lsn, '0/0'), '0/0')::bigint,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
       state IS NULL
FROM pg_stat_replication WHERE state IN ('streaming', 'catchup') OR state IS NULL

-- name: wal_written
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint

-- name: wal_kept_for_slots
SELECT slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
FROM pg_replication_slots WHERE restart_lsn IS NOT NULL

-- name: wal_kept_for_archiver
SELECT (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')
       * pg_size_bytes(current_setting('wal_segment_size'))
WHERE current_setting('archive_mode') <> 'off'

-- name: lock_waiters
SELECT count(DISTINCT pid) FROM pg_locks
WHERE NOT granted AND pid <> ALL(%(own)s::int[]) AND pg_blocking_pids(pid) && %(own)s::int[]

-- name: active_sessions
SELECT count(*) FILTER (WHERE state = 'active'), bool_or(state IS NULL AND backend_type IS NULL)
FROM pg_stat_activity
WHERE (backend_type = 'client backend' OR backend_type IS NULL)
  AND pid <> pg_backend_pid() AND pid <> ALL(%(own)s::int[])

-- name: oldest_transaction
SELECT greatest(
           (SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
            WHERE (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)
              AND backend_type IN ('client backend', 'walsender')
              AND pid <> pg_backend_pid() AND pid <> ALL(%(own)s::int[])),
           (SELECT max(extract(epoch FROM clock_timestamp() - prepared)) FROM pg_prepared_xacts), 0),
       EXISTS (SELECT FROM pg_stat_activity WHERE backend_type IS NULL)

-- name: vacuums_of
SELECT count(*) FROM pg_stat_progress_vacuum p JOIN pg_stat_activity a USING (pid)
WHERE p.relid IN (SELECT %(oid)s::oid UNION ALL SELECT relid FROM pg_partition_tree(%(oid)s::oid))
  AND coalesce(a.application_name, '') NOT LIKE 'migrator %%'

-- name: checkpoint_share
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) / pg_size_bytes(current_setting('max_wal_size'))
FROM pg_control_checkpoint()

-- name: table_size
SELECT pg_relation_size(%(oid)s::oid)
       + coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(%(oid)s::oid) WHERE relid <> %(oid)s::oid), 0)

-- name: total_size
SELECT pg_total_relation_size(%(oid)s::oid)
       + coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%(oid)s::oid) WHERE relid <> %(oid)s::oid), 0)

-- name: dead_rows
SELECT pg_stat_get_dead_tuples(%(oid)s::oid)
       + coalesce((SELECT sum(pg_stat_get_dead_tuples(relid)) FROM pg_partition_tree(%(oid)s::oid)
                   WHERE relid <> %(oid)s::oid), 0)

-- name: size_noted
SELECT (data->>'bytes')::bigint FROM migrator.events
WHERE step_id = %(step)s AND event = 'size-before' ORDER BY id LIMIT 1

-- name: leaves_of
SELECT format('%%I.%%I', n.nspname, c.relname)
FROM pg_partition_tree(%(oid)s::oid) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.isleaf AND c.relkind = 'r' ORDER BY t.relid

-- name: full_names
SELECT DISTINCT quote_ident(coalesce(n.nspname, given.parts[array_upper(given.parts, 1) - 1], current_schema(), 'public'))
       || '.' || quote_ident(coalesce(c.relname, given.parts[array_upper(given.parts, 1)]))
FROM (SELECT name, parse_ident(name) AS parts FROM unnest(%(names)s::text[]) AS name) AS given
LEFT JOIN pg_class c ON c.oid = to_regclass(given.name) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE coalesce(c.relkind IN ('r', 'p', 'f', 'v', 'm'), true)
  AND coalesce(n.nspname, '') NOT IN ('pg_catalog', 'information_schema', 'migrator', 'migrator_archive')

-- name: shapes_of
WITH asked AS (
    SELECT name, c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity
    FROM unnest(%(relations)s::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name)
)
SELECT name, 'relation',
       CASE relpersistence WHEN 'u' THEN 'unlogged ' WHEN 't' THEN 'temporary ' ELSE '' END
       || CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
                       WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'other' END
       || CASE WHEN relforcerowsecurity THEN ', row level security forced'
               WHEN relrowsecurity THEN ', row level security' ELSE '' END
FROM asked
UNION ALL
SELECT name, 'definition', pg_get_viewdef(oid) FROM asked WHERE relkind IN ('v', 'm')
UNION ALL
SELECT name, 'column ' || attname,
       format_type(atttypid, atttypmod)
       || CASE WHEN attcollation <> t.typcollation
               THEN ' COLLATE ' || (SELECT quote_ident(collname) FROM pg_collation l WHERE l.oid = attcollation) ELSE '' END
       || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
       || CASE WHEN attgenerated <> '' THEN ' GENERATED (' || attgenerated::text || ') AS ' || pg_get_expr(adbin, adrelid)
               WHEN attidentity <> '' THEN ' IDENTITY (' || attidentity::text || ')'
               WHEN adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(adbin, adrelid) ELSE '' END
FROM asked JOIN pg_attribute ON attrelid = asked.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type t ON t.oid = atttypid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind <> 'v'
UNION ALL
SELECT name, 'constraint ' || conname, pg_get_constraintdef(c.oid)
FROM asked JOIN pg_constraint c ON conrelid = asked.oid AND contype <> 'n' AND contype <> 't' AND conparentid = 0
UNION ALL
SELECT name, 'index ' || i.relname, pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
FROM asked JOIN pg_index ON indrelid = asked.oid JOIN pg_class i ON i.oid = indexrelid
WHERE NOT (NOT indisvalid AND i.relname ~ '_cc(new|old)[0-9]*$')
UNION ALL
SELECT name, 'trigger ' || tgname,
       pg_get_triggerdef(t.oid)
       || CASE tgenabled WHEN 'D' THEN ' DISABLED' WHEN 'R' THEN ' REPLICA' WHEN 'A' THEN ' ALWAYS' ELSE '' END
FROM asked JOIN pg_trigger t ON tgrelid = asked.oid AND NOT tgisinternal AND NOT starts_with(tgname, 'zz_migrator_')
UNION ALL
SELECT name, 'rule ' || rulename, pg_get_ruledef(r.oid)
FROM asked JOIN pg_rewrite r ON ev_class = asked.oid AND rulename <> '_RETURN'
UNION ALL
SELECT name, 'policy ' || polname,
       concat_ws(' ', CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for', polcmd::text, 'to',
                 polroles::regrole[]::text, 'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
FROM asked JOIN pg_policy ON polrelid = asked.oid

-- name: triggers_at_work
SELECT tgname::text FROM pg_trigger WHERE tgname = ANY (%(names)s) AND tgenabled IN ('O', 'A') AND tgparentid = 0

-- name: shapes_of_run
SELECT relation, facts, reading, settled FROM migrator.shapes WHERE run_id = %(run)s ORDER BY relation

-- name: shapes_of_open_runs
SELECT s.run_id, s.relation, s.facts, s.reading, s.settled
FROM migrator.shapes s JOIN migrator.runs r ON r.id = s.run_id WHERE r.state <> 'rolled back'

-- name: shapes_unsettle
UPDATE migrator.shapes s SET settled = false FROM migrator.runs r
WHERE r.id = s.run_id AND r.state <> 'rolled back' AND s.settled

-- name: shape_set
INSERT INTO migrator.shapes (run_id, relation, facts, reading) VALUES (%(run)s, %(relation)s, %(facts)s, %(reading)s)
ON CONFLICT (run_id, relation) DO UPDATE
SET facts = EXCLUDED.facts, reading = EXCLUDED.reading, settled = true, recorded_at = clock_timestamp()

-- name: runs_under_way
SELECT id, plan FROM migrator.runs WHERE state NOT IN ('complete', 'rolled back') ORDER BY id

-- name: run_asked
SELECT data->>'to' FROM migrator.events WHERE run_id = %(run)s AND event = 'run-started' ORDER BY id DESC LIMIT 1
