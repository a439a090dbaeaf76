"""Which statement takes which lock on the relation it names: one row per statement, to be read beside the manual.

The sources are `AlterTableGetLockLevel` in PostgreSQL's tablecmds.c, the ALTER TABLE page and "Explicit Locking" of the
manual; every row is measured on a server by the tests. The modes are the same in PostgreSQL 14 to 18.
Further relations that a statement locks (the other side of a foreign key, partitions, ...) are found by `classify`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from migrator.sql.locks import LockMode

_SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_SHARE = LockMode.SHARE
_SRE = LockMode.SHARE_ROW_EXCLUSIVE
_AEL = LockMode.ACCESS_EXCLUSIVE


class Phase(IntEnum):
    """The passes in which PostgreSQL runs the subcommands of one ALTER TABLE, whatever order they are written in."""

    DROP = 0
    TYPE = 1
    ADD_COLUMN = 2
    EXPRESSION = 3
    ATTRIBUTE = 4
    INDEX = 5
    CONSTRAINT = 6
    OTHER = 7


class Subcommand(NamedTuple):
    """One row: what the subcommand is called, the lock on the table, and when PostgreSQL runs it."""

    words: str
    mode: LockMode
    phase: Phase = Phase.OTHER


ALTER_TABLE: Mapping[str, Subcommand] = MappingProxyType(
    {
        # columns
        "AT_AddColumn": Subcommand("ADD COLUMN", _AEL, Phase.ADD_COLUMN),
        "AT_DropColumn": Subcommand("DROP COLUMN", _AEL, Phase.DROP),
        "AT_AlterColumnType": Subcommand("ALTER COLUMN TYPE", _AEL, Phase.TYPE),
        "AT_ColumnDefault": Subcommand("ALTER COLUMN SET DEFAULT", _AEL, Phase.CONSTRAINT),
        "AT_SetNotNull": Subcommand("ALTER COLUMN SET NOT NULL", _AEL, Phase.ATTRIBUTE),
        "AT_DropNotNull": Subcommand("ALTER COLUMN DROP NOT NULL", _AEL, Phase.DROP),
        "AT_SetExpression": Subcommand("ALTER COLUMN SET EXPRESSION", _AEL, Phase.EXPRESSION),  # 17
        "AT_DropExpression": Subcommand("ALTER COLUMN DROP EXPRESSION", _AEL, Phase.DROP),
        "AT_AddIdentity": Subcommand("ALTER COLUMN ADD GENERATED AS IDENTITY", _AEL, Phase.CONSTRAINT),
        "AT_SetIdentity": Subcommand("ALTER COLUMN SET GENERATED", _AEL, Phase.ATTRIBUTE),
        "AT_DropIdentity": Subcommand("ALTER COLUMN DROP IDENTITY", _AEL, Phase.DROP),
        "AT_SetStatistics": Subcommand("ALTER COLUMN SET STATISTICS", _SUE),
        "AT_SetOptions": Subcommand("ALTER COLUMN SET (...)", _SUE),
        "AT_ResetOptions": Subcommand("ALTER COLUMN RESET (...)", _SUE),
        "AT_SetStorage": Subcommand("ALTER COLUMN SET STORAGE", _AEL),
        "AT_SetCompression": Subcommand("ALTER COLUMN SET COMPRESSION", _AEL),
        "AT_AlterColumnGenericOptions": Subcommand("ALTER COLUMN OPTIONS", _AEL),
        # constraints
        "AT_AddConstraint:CONSTR_CHECK": Subcommand("ADD CHECK", _AEL, Phase.CONSTRAINT),
        "AT_AddConstraint:CONSTR_FOREIGN": Subcommand("ADD FOREIGN KEY", _SRE, Phase.CONSTRAINT),
        "AT_AddConstraint:CONSTR_NOTNULL": Subcommand("ADD NOT NULL", _AEL, Phase.ATTRIBUTE),  # 18
        "AT_AddConstraint:CONSTR_UNIQUE": Subcommand("ADD UNIQUE", _AEL, Phase.INDEX),
        "AT_AddConstraint:CONSTR_PRIMARY": Subcommand("ADD PRIMARY KEY", _AEL, Phase.INDEX),
        "AT_AddConstraint:CONSTR_EXCLUSION": Subcommand("ADD EXCLUDE", _AEL, Phase.INDEX),
        "AT_AlterConstraint": Subcommand("ALTER CONSTRAINT", _AEL),
        "AT_ValidateConstraint": Subcommand("VALIDATE CONSTRAINT", _SUE),
        "AT_DropConstraint": Subcommand("DROP CONSTRAINT", _AEL, Phase.DROP),
        # triggers, rules, row security
        "AT_EnableTrig": Subcommand("ENABLE TRIGGER", _SRE),
        "AT_EnableAlwaysTrig": Subcommand("ENABLE ALWAYS TRIGGER", _SRE),
        "AT_EnableReplicaTrig": Subcommand("ENABLE REPLICA TRIGGER", _SRE),
        "AT_EnableTrigAll": Subcommand("ENABLE TRIGGER ALL", _SRE),
        "AT_EnableTrigUser": Subcommand("ENABLE TRIGGER USER", _SRE),
        "AT_DisableTrig": Subcommand("DISABLE TRIGGER", _SRE),
        "AT_DisableTrigAll": Subcommand("DISABLE TRIGGER ALL", _SRE),
        "AT_DisableTrigUser": Subcommand("DISABLE TRIGGER USER", _SRE),
        "AT_EnableRule": Subcommand("ENABLE RULE", _AEL),
        "AT_EnableAlwaysRule": Subcommand("ENABLE ALWAYS RULE", _AEL),
        "AT_EnableReplicaRule": Subcommand("ENABLE REPLICA RULE", _AEL),
        "AT_DisableRule": Subcommand("DISABLE RULE", _AEL),
        "AT_EnableRowSecurity": Subcommand("ENABLE ROW LEVEL SECURITY", _AEL),
        "AT_DisableRowSecurity": Subcommand("DISABLE ROW LEVEL SECURITY", _AEL),
        "AT_ForceRowSecurity": Subcommand("FORCE ROW LEVEL SECURITY", _AEL),
        "AT_NoForceRowSecurity": Subcommand("NO FORCE ROW LEVEL SECURITY", _AEL),
        # storage
        "AT_ClusterOn": Subcommand("CLUSTER ON", _SUE),
        "AT_DropCluster": Subcommand("SET WITHOUT CLUSTER", _SUE),
        "AT_DropOids": Subcommand("SET WITHOUT OIDS", _AEL),
        "AT_SetAccessMethod": Subcommand("SET ACCESS METHOD", _AEL),  # 15
        "AT_SetTableSpace": Subcommand("SET TABLESPACE", _AEL),
        "AT_SetLogged": Subcommand("SET LOGGED", _AEL),
        "AT_SetUnLogged": Subcommand("SET UNLOGGED", _AEL),
        "AT_SetRelOptions": Subcommand("SET (...)", _SUE),  # but see STRICT_OPTIONS
        "AT_ResetRelOptions": Subcommand("RESET (...)", _SUE),  # but see STRICT_OPTIONS
        "AT_GenericOptions": Subcommand("OPTIONS", _AEL),
        "AT_ReplicaIdentity": Subcommand("REPLICA IDENTITY", _AEL),
        # inheritance, partitions, ownership
        "AT_AddInherit": Subcommand("INHERIT", _AEL),
        "AT_DropInherit": Subcommand("NO INHERIT", _AEL),
        "AT_AddOf": Subcommand("OF", _AEL),
        "AT_DropOf": Subcommand("NOT OF", _AEL),
        "AT_AttachPartition": Subcommand("ATTACH PARTITION", _SUE),
        "AT_DetachPartition": Subcommand("DETACH PARTITION", _AEL),  # with CONCURRENTLY: SHARE UPDATE EXCLUSIVE
        "AT_DetachPartitionFinalize": Subcommand("DETACH PARTITION FINALIZE", _SUE),
        "AT_ChangeOwner": Subcommand("OWNER TO", _AEL),
    }
)

NOT_INHERITED = frozenset({
    "AT_SetRelOptions", "AT_ResetRelOptions", "AT_GenericOptions", "AT_ReplicaIdentity", "AT_ClusterOn",
    "AT_DropCluster", "AT_ChangeOwner", "AT_EnableRowSecurity", "AT_DisableRowSecurity", "AT_ForceRowSecurity",
    "AT_NoForceRowSecurity", "AT_EnableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule", "AT_DisableRule",
    "AT_SetTableSpace", "AT_SetAccessMethod", "AT_SetLogged", "AT_SetUnLogged", "AT_AddInherit", "AT_DropInherit",
    "AT_AddOf", "AT_DropOf", "AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize",
})  # fmt: skip
"""Subcommands that leave partitions and inheriting tables alone; all others lock them as they lock the table."""

STRICT_OPTIONS = frozenset({
    "autosummarize", "buffering", "check_option", "fastupdate", "gin_pending_list_limit", "pages_per_range",
    "security_barrier", "security_invoker", "user_catalog_table",
})  # fmt: skip
"""Storage parameters whose change takes ACCESS EXCLUSIVE; all others take SHARE UPDATE EXCLUSIVE (reloptions.c)."""

RENAME: Mapping[str, Subcommand] = MappingProxyType(
    {
        "OBJECT_TABLE": Subcommand("ALTER TABLE … RENAME", _AEL),
        "OBJECT_FOREIGN_TABLE": Subcommand("ALTER FOREIGN TABLE … RENAME", _AEL),
        "OBJECT_VIEW": Subcommand("ALTER VIEW … RENAME", _AEL),
        "OBJECT_MATVIEW": Subcommand("ALTER MATERIALIZED VIEW … RENAME", _AEL),
        "OBJECT_SEQUENCE": Subcommand("ALTER SEQUENCE … RENAME", _AEL),
        "OBJECT_INDEX": Subcommand("ALTER INDEX … RENAME", _SUE),
        "OBJECT_COLUMN": Subcommand("ALTER TABLE … RENAME COLUMN", _AEL),
        "OBJECT_TABCONSTRAINT": Subcommand("ALTER TABLE … RENAME CONSTRAINT", _AEL),
        "OBJECT_ATTRIBUTE": Subcommand("ALTER TYPE … RENAME ATTRIBUTE", _AEL),
        "OBJECT_TRIGGER": Subcommand("ALTER TRIGGER … RENAME", _AEL),
        "OBJECT_POLICY": Subcommand("ALTER POLICY … RENAME", _AEL),
        "OBJECT_RULE": Subcommand("ALTER RULE … RENAME", _AEL),
    }
)
"""Objects that are not relations (types, functions, schemas, ...) are renamed without a lock on a relation."""

DROP: Mapping[str, Subcommand] = MappingProxyType(
    {
        "OBJECT_TABLE": Subcommand("DROP TABLE", _AEL),
        "OBJECT_FOREIGN_TABLE": Subcommand("DROP FOREIGN TABLE", _AEL),
        "OBJECT_VIEW": Subcommand("DROP VIEW", _AEL),
        "OBJECT_MATVIEW": Subcommand("DROP MATERIALIZED VIEW", _AEL),
        "OBJECT_SEQUENCE": Subcommand("DROP SEQUENCE", _AEL),
        "OBJECT_INDEX": Subcommand("DROP INDEX", _AEL),
        "OBJECT_TRIGGER": Subcommand("DROP TRIGGER", _AEL),
        "OBJECT_POLICY": Subcommand("DROP POLICY", _AEL),
        "OBJECT_RULE": Subcommand("DROP RULE", _AEL),
        "OBJECT_STATISTIC_EXT": Subcommand("DROP STATISTICS", _SUE),
    }
)
"""Triggers, policies and rules lock their table, statistics theirs, an index its table as well."""

ON_RELATION: Mapping[str, Subcommand] = MappingProxyType(
    {
        "create_trig_stmt": Subcommand("CREATE TRIGGER", _SRE),
        "rule_stmt": Subcommand("CREATE RULE", _AEL),
        "create_policy_stmt": Subcommand("CREATE POLICY", _AEL),
        "alter_policy_stmt": Subcommand("ALTER POLICY", _AEL),
        "create_stats_stmt": Subcommand("CREATE STATISTICS", _SUE),
        "comment_stmt": Subcommand("COMMENT", _SUE),
        "sec_label_stmt": Subcommand("SECURITY LABEL", _SUE),
        "alter_seq_stmt": Subcommand("ALTER SEQUENCE", _SRE),
        "alter_object_schema_stmt": Subcommand("SET SCHEMA", _AEL),
        "create_publication_stmt": Subcommand("CREATE PUBLICATION", _SUE),
        "alter_publication_stmt": Subcommand("ALTER PUBLICATION", _SUE),
        "index_stmt": Subcommand("CREATE INDEX", _SHARE),
        "index_stmt:concurrently": Subcommand("CREATE INDEX CONCURRENTLY", _SUE),
        "reindex_stmt": Subcommand("REINDEX", _SHARE),  # and ACCESS EXCLUSIVE on each index
        "reindex_stmt:concurrently": Subcommand("REINDEX CONCURRENTLY", _SUE),
        "cluster_stmt": Subcommand("CLUSTER", _AEL),
        "vacuum_stmt": Subcommand("VACUUM", _SUE),
        "vacuum_stmt:full": Subcommand("VACUUM FULL", _AEL),
        "vacuum_stmt:analyze": Subcommand("ANALYZE", _SUE),
        "refresh_mat_view_stmt": Subcommand("REFRESH MATERIALIZED VIEW", _AEL),
        "refresh_mat_view_stmt:concurrently": Subcommand("REFRESH MATERIALIZED VIEW CONCURRENTLY", LockMode.EXCLUSIVE),
        "truncate_stmt": Subcommand("TRUNCATE", _AEL),
        "view_stmt:replace": Subcommand("CREATE OR REPLACE VIEW", _AEL),
        "alter_domain_stmt": Subcommand(
            "ALTER DOMAIN", _SHARE
        ),  # on each table that uses the domain, while it is scanned
        "insert_stmt": Subcommand("INSERT", LockMode.ROW_EXCLUSIVE),
        "update_stmt": Subcommand("UPDATE", LockMode.ROW_EXCLUSIVE),
        "delete_stmt": Subcommand("DELETE", LockMode.ROW_EXCLUSIVE),
        "merge_stmt": Subcommand("MERGE", LockMode.ROW_EXCLUSIVE),
        "copy_stmt:from": Subcommand("COPY FROM", LockMode.ROW_EXCLUSIVE),
        "copy_stmt:to": Subcommand("COPY TO", LockMode.ACCESS_SHARE),
        "select_stmt": Subcommand("SELECT", LockMode.ACCESS_SHARE),
        "select_stmt:locking": Subcommand("SELECT … FOR UPDATE", LockMode.ROW_SHARE),
    }
)

FOREIGN_KEY_TARGET = _SRE
"""On the referenced table while a foreign key is added: rows it points to must stay, triggers are created on it."""
PARTITION_PARENT = _AEL
"""On the parent of CREATE TABLE … PARTITION OF, and on its default partition, which may hold rows of the new one."""
INHERITANCE_PARENT = _SUE
"""On the parent of CREATE TABLE … INHERITS and of ALTER TABLE … INHERIT."""

NO_RELATION: Mapping[str, str] = MappingProxyType(
    {
        "create_schema_stmt": "CREATE SCHEMA",
        "create_extension_stmt": "CREATE EXTENSION",
        "create_fdw_stmt": "CREATE FOREIGN DATA WRAPPER",
        "alter_fdw_stmt": "ALTER FOREIGN DATA WRAPPER",
        "create_foreign_server_stmt": "CREATE SERVER",
        "alter_foreign_server_stmt": "ALTER SERVER",
        "create_user_mapping_stmt": "CREATE USER MAPPING",
        "alter_user_mapping_stmt": "ALTER USER MAPPING",
        "drop_user_mapping_stmt": "DROP USER MAPPING",
        "create_am_stmt": "CREATE ACCESS METHOD",
        "create_event_trig_stmt": "CREATE EVENT TRIGGER",
        "alter_event_trig_stmt": "ALTER EVENT TRIGGER",
        "create_plang_stmt": "CREATE LANGUAGE",
        "create_role_stmt": "CREATE ROLE",
        "alter_role_stmt": "ALTER ROLE",
        "alter_role_set_stmt": "ALTER ROLE SET",
        "drop_role_stmt": "DROP ROLE",
        "grant_role_stmt": "GRANT ROLE",
        "grant_stmt": "GRANT",
        "alter_default_privileges_stmt": "ALTER DEFAULT PRIVILEGES",
        "define_stmt": "CREATE AGGREGATE, OPERATOR, TYPE, COLLATION OR TEXT SEARCH OBJECT",
        "create_domain_stmt": "CREATE DOMAIN",
        "composite_type_stmt": "CREATE TYPE",
        "create_enum_stmt": "CREATE TYPE AS ENUM",
        "create_range_stmt": "CREATE TYPE AS RANGE",
        "alter_enum_stmt": "ALTER TYPE",
        "alter_type_stmt": "ALTER TYPE SET",
        "alter_collation_stmt": "ALTER COLLATION",
        "create_op_class_stmt": "CREATE OPERATOR CLASS",
        "create_op_family_stmt": "CREATE OPERATOR FAMILY",
        "alter_op_family_stmt": "ALTER OPERATOR FAMILY",
        "alter_operator_stmt": "ALTER OPERATOR",
        "create_function_stmt": "CREATE FUNCTION",
        "alter_function_stmt": "ALTER FUNCTION",
        "create_conversion_stmt": "CREATE CONVERSION",
        "create_cast_stmt": "CREATE CAST",
        "create_transform_stmt": "CREATE TRANSFORM",
        "alter_object_depends_stmt": "ALTER … DEPENDS ON EXTENSION",
        "alter_owner_stmt": "ALTER … OWNER TO",
        "alter_stats_stmt": "ALTER STATISTICS",
        "alter_tsdictionary_stmt": "ALTER TEXT SEARCH DICTIONARY",
        "alter_tsconfiguration_stmt": "ALTER TEXT SEARCH CONFIGURATION",
        "import_foreign_schema_stmt": "IMPORT FOREIGN SCHEMA",
        "create_table_space_stmt": "CREATE TABLESPACE",
        "drop_table_space_stmt": "DROP TABLESPACE",
        "alter_table_space_options_stmt": "ALTER TABLESPACE",
        "createdb_stmt": "CREATE DATABASE",
        "dropdb_stmt": "DROP DATABASE",
        "alter_database_stmt": "ALTER DATABASE",
        "alter_database_set_stmt": "ALTER DATABASE SET",
        "alter_database_refresh_coll_stmt": "ALTER DATABASE REFRESH COLLATION VERSION",
        "alter_system_stmt": "ALTER SYSTEM",
        "create_subscription_stmt": "CREATE SUBSCRIPTION",
        "alter_subscription_stmt": "ALTER SUBSCRIPTION",
        "drop_subscription_stmt": "DROP SUBSCRIPTION",
        "notify_stmt": "NOTIFY",
        "listen_stmt": "LISTEN",
        "unlisten_stmt": "UNLISTEN",
        "load_stmt": "LOAD",
        "check_point_stmt": "CHECKPOINT",
        "deallocate_stmt": "DEALLOCATE",
        "fetch_stmt": "FETCH",
        "close_portal_stmt": "CLOSE",
        "constraints_set_stmt": "SET CONSTRAINTS",
    }
)
"""Statements that lock no relation more strongly than a reader does."""

OPAQUE: Mapping[str, str] = MappingProxyType(
    {
        "do_stmt": "DO",
        "call_stmt": "CALL",
        "execute_stmt": "EXECUTE",
        "drop_owned_stmt": "DROP OWNED",
        "reassign_owned_stmt": "REASSIGN OWNED",
        "alter_table_move_all_stmt": "ALTER … ALL IN TABLESPACE",
        "alter_extension_stmt": "ALTER EXTENSION UPDATE",
        "alter_extension_contents_stmt": "ALTER EXTENSION ADD OR DROP",
    }
)
"""Statements that run code or reach relations which their text does not name."""

NOT_IN_TRANSACTION = frozenset({
    "alter_system_stmt", "createdb_stmt", "dropdb_stmt", "create_table_space_stmt", "drop_table_space_stmt",
})  # fmt: skip
"""Statements that PostgreSQL always refuses inside a transaction; others depend on their options."""
