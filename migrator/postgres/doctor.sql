-- What can endanger a migration. Each statement returns rows of: subject, what is wrong, the command that mends it.
-- Adding a check is adding a statement. Names that begin with "ledger_" need the ledger.

-- name: invalid_indexes
SELECT i.indexrelid::regclass::text,
       'INVALID index on ' || i.indrelid::regclass || ': its build failed, and it costs every write',
       format('DROP INDEX CONCURRENTLY %s;', i.indexrelid::regclass)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relkind = 'i'
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 1

-- name: unattached_indexes
SELECT i.indexrelid::regclass::text,
       'index of the partitioned table ' || i.indrelid::regclass || ' lacks the index of a partition',
       format('ALTER INDEX %s ATTACH PARTITION <index of the partition>;', i.indexrelid::regclass)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relkind = 'I' ORDER BY 1

-- name: unvalidated_constraints
SELECT c.conrelid::regclass || '.' || c.conname,
       'NOT VALID constraint: rows that were there before it are not checked',
       format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', c.conrelid::regclass, c.conname)
FROM pg_constraint c
WHERE NOT c.convalidated AND c.conrelid <> 0 AND c.conparentid = 0 ORDER BY 1

-- name: pending_detaches
SELECT h.inhrelid::regclass::text, 'partition that is detached only half-way',
       format('ALTER TABLE %s DETACH PARTITION %s FINALIZE;', h.inhparent::regclass, h.inhrelid::regclass)
FROM pg_inherits h WHERE h.inhdetachpending ORDER BY 1

-- name: ledger_half_applied_revisions
SELECT 'revision ' || a.revision, 'its ' || a.direction || ' is committed only in part: '
       || (SELECT count(*) FILTER (WHERE j.state = 'done') || ' of at least ' || count(*) || ' pieces'
           FROM migrator.journal j WHERE j.application_id = a.id),
       CASE a.direction WHEN 'upgrade' THEN 'migrator upgrade ' || a.revision || '   (or take it back: migrator downgrade -1)'
                        ELSE 'migrator downgrade -1' END
FROM migrator.applications a
WHERE a.state = 'open' AND a.direction <> 'restore'
  AND EXISTS (SELECT FROM migrator.journal j WHERE j.application_id = a.id)
ORDER BY a.id

-- name: ledger_triggers_left
SELECT t.tgrelid::regclass || '.' || t.tgname, 'dual-write trigger whose plan does not need it any more',
       format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass)
FROM pg_trigger t
WHERE t.tgname ~ '^zz_migrator_[0-9]+' AND NOT t.tgisinternal
  AND NOT EXISTS (SELECT FROM migrator.dual_writes d
                  WHERE d.state <> 'removed' AND d.step_id = substring(t.tgname FROM 'zz_migrator_([0-9]+)')::bigint)
ORDER BY 1

-- name: ledger_runs_at_rest
SELECT 'plan ' || r.plan, 'its run is ' || r.state || ' since ' || to_char(r.updated_at, 'YYYY-MM-DD HH24:MI'),
       CASE WHEN r.state = 'waiting' THEN 'migrator approve ' || r.plan
            WHEN r.direction = 'back' THEN 'migrator rollback ' || r.plan || coalesce(
                (SELECT nullif(' --to ' || (e.data->>'to'), ' --to start') FROM migrator.events e
                 WHERE e.run_id = r.id AND e.event = 'run-started' ORDER BY e.id DESC LIMIT 1), '') ELSE 'migrator apply ' || r.plan END
FROM migrator.runs r
WHERE r.state IN ('failed', 'stopped', 'waiting') AND r.updated_at < now() - interval '1 day' ORDER BY r.id

-- name: long_transactions
SELECT 'pid ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'no application name') || ')',
       a.state || ', in a transaction for ' || date_trunc('second', now() - a.xact_start)
       || ': concurrent builds wait for it, and vacuum cannot clean up behind it',
       format('SELECT pg_terminate_backend(%s);', a.pid)
FROM pg_stat_activity a
WHERE a.xact_start < now() - interval '1 minute' AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.datname = current_database()
ORDER BY a.xact_start

-- name: prepared_transactions
SELECT 'prepared transaction ' || quote_literal(gid), 'prepared by ' || owner || ' since '
       || to_char(prepared, 'YYYY-MM-DD HH24:MI') || ': it keeps its locks until somebody ends it',
       format('ROLLBACK PREPARED %L;', gid)
FROM pg_prepared_xacts WHERE database = current_database() AND prepared < now() - interval '1 minute' ORDER BY prepared

-- name: blocked_sessions
SELECT 'pid ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'no application name') || ')',
       'waits for a lock since ' || date_trunc('second', now() - a.query_start) || ', blocked by pid '
       || array_to_string(pg_blocking_pids(a.pid), ', '),
       format('SELECT pg_terminate_backend(%s);', (pg_blocking_pids(a.pid))[1])
FROM pg_stat_activity a
WHERE a.datname = current_database() AND cardinality(pg_blocking_pids(a.pid)) > 0 ORDER BY a.query_start

-- name: replication_slots
SELECT 'replication slot ' || slot_name, 'nobody reads it, and it keeps '
       || pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) || ' of WAL on disk: a backfill adds to that',
       format('SELECT pg_drop_replication_slot(%L);', slot_name)
FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL AND NOT pg_is_in_recovery() ORDER BY 1

-- name: idle_in_transaction_timeout
SELECT 'idle_in_transaction_session_timeout', 'is off: a forgotten transaction can block a migration for ever',
       format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = ''60s'';', current_database())
WHERE current_setting('idle_in_transaction_session_timeout') = '0'

-- name: autovacuum
SELECT 'autovacuum', 'is off: what a backfill leaves behind is never cleaned up',
       'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();'
WHERE current_setting('autovacuum') = 'off'

-- name: tables_without_autovacuum
SELECT c.oid::regclass::text, 'autovacuum is off for this table: what a backfill leaves behind stays',
       format('ALTER TABLE %s RESET (autovacuum_enabled);', c.oid::regclass)
FROM pg_class c WHERE c.relkind = 'r' AND c.reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off']
ORDER BY 1

-- name: corrupting_server
SELECT 'PostgreSQL ' || current_setting('server_version'),
       'builds and rebuilds of indexes CONCURRENTLY can miss rows in 14.0 to 14.3', 'upgrade the server to 14.4 or newer'
WHERE current_setting('server_version_num')::int BETWEEN 140000 AND 140003
