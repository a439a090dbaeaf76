-- Everything that hangs on a table and is lost when it, or one of its columns, is dropped: each as the statement that
-- makes it again. To be read with search_path = pg_catalog, so that every name in the statements has its schema.

-- name: definitions_of
WITH RECURSIVE the AS (
    SELECT oid, oid::regclass::text AS name FROM unnest(%(oids)s::oid[]) AS oid
), behind AS (
    SELECT r.ev_class AS oid, 1 AS depth FROM the, pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = the.oid
      AND r.ev_class <> the.oid
    UNION
    SELECT r.ev_class, depth + 1 FROM behind v, pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid
      AND r.ev_class <> v.oid AND depth < 30
), views AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.reloptions, c.relispopulated, c.relowner, c.relacl, max(depth) AS depth
    FROM behind JOIN pg_class c ON c.oid = behind.oid AND c.relkind IN ('v', 'm')
    GROUP BY c.oid, c.relname, c.relkind, c.reloptions, c.relispopulated, c.relowner, c.relacl
), columns AS (
    SELECT the.name AS relation, a.*, quote_ident(a.attname) AS name FROM the JOIN pg_attribute a ON a.attrelid = the.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
), keys AS (
    SELECT c.*, c.conrelid::regclass::text AS relation FROM the JOIN pg_constraint c ON c.conrelid = the.oid OR c.confrelid = the.oid
    WHERE c.contype NOT IN ('n', 't') AND c.conparentid = 0
), built AS (
    SELECT i.indexrelid AS oid, i.indexrelid::regclass::text AS name FROM pg_index i
    WHERE i.indrelid IN (SELECT oid FROM the UNION ALL SELECT oid FROM views) AND i.indisvalid
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
), fired AS (
    SELECT t.*, t.tgrelid::regclass::text AS relation FROM pg_trigger t
    WHERE t.tgrelid IN (SELECT oid FROM the UNION ALL SELECT oid FROM views) AND NOT tgisinternal
      AND NOT starts_with(tgname, 'zz_migrator_')
), sequences AS (
    SELECT s.oid, s.oid::regclass::text AS name, s.relowner, s.relacl, a.attidentity, a.relation, a.name AS attribute,
           q.seqtypid::regtype AS type,
           format('START WITH %%s INCREMENT BY %%s MINVALUE %%s MAXVALUE %%s CACHE %%s',
                  q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache) || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END AS options
    FROM columns a JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
      AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
), found (rank, place, kind, name, statement) AS (
    SELECT 10, 0, 'sequence', name, format('CREATE SEQUENCE IF NOT EXISTS %%s AS %%s %%s', name, type, options)
    FROM sequences WHERE attidentity = ''
    UNION ALL
    SELECT 11, 0, 'owner of sequence', name, format('ALTER SEQUENCE %%s OWNED BY %%s.%%s', name, relation, attribute)
    FROM sequences WHERE attidentity = ''
    UNION ALL
    SELECT 20, attnum, 'default', relation || '.' || a.name,
           format('ALTER TABLE %%s ALTER COLUMN %%s SET DEFAULT %%s', relation, a.name, pg_get_expr(adbin, adrelid))
    FROM columns a JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attgenerated = ''
    UNION ALL
    SELECT 21, attnum, 'statistics target', relation || '.' || name,
           format('ALTER TABLE %%s ALTER COLUMN %%s SET STATISTICS %%s', relation, name, attstattarget)
    FROM columns WHERE attstattarget >= 0
    UNION ALL
    SELECT 22, attnum, 'options', relation || '.' || name,
           format('ALTER TABLE %%s ALTER COLUMN %%s SET (%%s)', relation, name, array_to_string(attoptions, ', '))
    FROM columns WHERE attoptions IS NOT NULL
    UNION ALL
    SELECT 30, 0, 'index', built.name, pg_get_indexdef(built.oid) FROM built
    WHERE built.oid IN (SELECT indexrelid FROM pg_index, the WHERE indrelid = the.oid)
    UNION ALL
    SELECT CASE contype WHEN 'p' THEN 31 WHEN 'f' THEN 41 ELSE 32 END, 0, 'constraint', relation || '.' || conname,
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', relation, conname, pg_get_constraintdef(oid))
    FROM keys
    UNION ALL
    SELECT 40, attnum, 'not null', relation || '.' || name, format('ALTER TABLE %%s ALTER COLUMN %%s SET NOT NULL', relation, name)
    FROM columns c WHERE attnotnull AND NOT EXISTS (
        SELECT FROM pg_constraint k  -- PostgreSQL 18 has them NOT VALID, too
        WHERE k.conrelid = c.attrelid AND k.contype = 'n' AND c.attnum = ANY (k.conkey) AND NOT k.convalidated)
    UNION ALL
    SELECT 42, 0, 'identity', relation || '.' || attribute,
           format('ALTER TABLE %%s ALTER COLUMN %%s ADD GENERATED %%s AS IDENTITY (SEQUENCE NAME %%s %%s)', relation, attribute,
                  CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, name, options)
    FROM sequences WHERE attidentity <> ''
    UNION ALL
    SELECT 50, 0, 'statistics', stxname::text, pg_get_statisticsobjdef(s.oid) FROM the JOIN pg_statistic_ext s ON stxrelid = the.oid
    UNION ALL
    SELECT 60, depth, CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, name,
           format('CREATE %%s %%s%%s AS %%s%%s', CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, name,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')', rtrim(pg_get_viewdef(oid), ';'),
                  CASE WHEN relkind = 'm' AND NOT relispopulated THEN ' WITH NO DATA' END)
    FROM views
    UNION ALL
    SELECT 61, 0, 'index', built.name, pg_get_indexdef(built.oid) FROM built
    WHERE built.oid NOT IN (SELECT indexrelid FROM pg_index, the WHERE indrelid = the.oid)
    UNION ALL
    SELECT 62, 0, 'owner', name, format('ALTER TABLE %%s OWNER TO %%s', name, relowner::regrole) FROM views
    UNION ALL
    SELECT 70, 0, 'trigger', relation || '.' || tgname, pg_get_triggerdef(oid) FROM fired
    UNION ALL
    SELECT 71, 0, 'state of trigger', relation || '.' || tgname,
           format('ALTER TABLE %%s %%s TRIGGER %%I', relation,
                  CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, tgname)
    FROM fired WHERE tgenabled <> 'O'
    UNION ALL
    SELECT 72, 0, 'rule', the.name || '.' || rulename, pg_get_ruledef(r.oid)
    FROM the JOIN pg_rewrite r ON ev_class = the.oid AND rulename <> '_RETURN'
    UNION ALL
    SELECT 73, 0, 'policy', the.name || '.' || polname,
           format('CREATE POLICY %%I ON %%s AS %%s FOR %%s TO %%s%%s%%s', polname, the.name,
                  CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ') FROM unnest(polroles) r),
                  ' USING (' || pg_get_expr(polqual, polrelid) || ')',
                  ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
    FROM the JOIN pg_policy ON polrelid = the.oid
    UNION ALL
    SELECT 80, attnum, 'privilege', concat_ws(' ', relation || '.' || name, privilege_type, grantee),
           format('GRANT %%s (%%s) ON TABLE %%s TO %%s%%s', privilege_type, name, relation,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM columns, aclexplode(attacl)
    UNION ALL
    SELECT 81, 0, 'privilege', concat_ws(' ', name, privilege_type, grantee),
           format('GRANT %%s ON TABLE %%s TO %%s%%s', privilege_type, name,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM views, aclexplode(relacl) WHERE grantee <> relowner
    UNION ALL
    SELECT 82, 0, 'privilege', concat_ws(' ', 'sequence', name, privilege_type, grantee),
           format('GRANT %%s ON SEQUENCE %%s TO %%s%%s', privilege_type, name,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM sequences, aclexplode(relacl) WHERE grantee <> relowner
    UNION ALL
    SELECT 90, a.attnum, 'comment', a.relation || '.' || a.name,
           format('COMMENT ON COLUMN %%s.%%s IS %%L', a.relation, a.name, col_description(a.attrelid, a.attnum))
    FROM columns a WHERE col_description(a.attrelid, a.attnum) IS NOT NULL
    UNION ALL
    SELECT 91, 0, 'comment', 'constraint ' || relation || '.' || conname,
           format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', conname, relation, obj_description(oid, 'pg_constraint'))
    FROM keys WHERE obj_description(oid, 'pg_constraint') IS NOT NULL
    UNION ALL
    SELECT 92, 0, 'comment', 'index ' || name, format('COMMENT ON INDEX %%s IS %%L', name, obj_description(oid, 'pg_class'))
    FROM built WHERE obj_description(oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT 93, 0, 'comment', 'trigger ' || relation || '.' || tgname,
           format('COMMENT ON TRIGGER %%I ON %%s IS %%L', tgname, relation, obj_description(oid, 'pg_trigger'))
    FROM fired WHERE obj_description(oid, 'pg_trigger') IS NOT NULL
    UNION ALL
    SELECT 94, 0, 'comment', name,
           format('COMMENT ON %%s %%s IS %%L', CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, name,
                  obj_description(oid, 'pg_class'))
    FROM views WHERE obj_description(oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT 95, 0, 'comment', 'sequence ' || name,
           format('COMMENT ON SEQUENCE %%s IS %%L', name, obj_description(oid, 'pg_class'))
    FROM sequences WHERE obj_description(oid, 'pg_class') IS NOT NULL
)
SELECT kind, name, statement FROM found ORDER BY rank, place, name, statement

-- name: cascade_of
-- What a DROP TABLE ... CASCADE would take along, or a plain one be refused for: foreign keys of other tables and views.
SELECT format('ALTER TABLE %%s DROP CONSTRAINT IF EXISTS %%I', conrelid::regclass, conname)
FROM pg_constraint WHERE contype = 'f' AND confrelid = %(oid)s AND conrelid <> %(oid)s AND conparentid = 0
UNION ALL
SELECT DISTINCT format('DROP %%s IF EXISTS %%s CASCADE', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass)
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = %(oid)s AND c.oid <> %(oid)s

-- name: foreign_keys_of
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)
FROM pg_constraint WHERE contype = 'f' AND conrelid = %(oid)s AND confrelid <> %(oid)s AND conparentid = 0

-- name: copies_of_identity
WITH the AS (
    SELECT s.oid, q.* FROM pg_attribute a
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
    WHERE a.attrelid = %(oid)s AND a.attname = %(column)s AND a.attidentity <> ''
)
SELECT text FROM the, LATERAL (VALUES
    (1, format('CREATE SEQUENCE IF NOT EXISTS %%s AS %%s START WITH %%s INCREMENT BY %%s MINVALUE %%s MAXVALUE %%s CACHE %%s %%s OWNED BY %%s.%%I',
               %(sequence)s::text, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache,
               CASE WHEN seqcycle THEN 'CYCLE' END, %(copy)s::text, %(column)s::text)),
    (2, format('SELECT setval(%%L, last_value, is_called) FROM %%s', %(sequence)s::text, oid::regclass)),
    (3, format('GRANT USAGE ON SEQUENCE %%s TO PUBLIC', %(sequence)s::text))
) AS made (place, text) ORDER BY place

-- name: partitions_of
SELECT c.oid, n.nspname, c.relname
FROM pg_partition_tree(%(oid)s::oid) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> %(oid)s::oid ORDER BY t.level, c.oid
