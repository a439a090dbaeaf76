"""Reads from a real server what a caller of migrator.sql would know of it."""

from __future__ import annotations

import psycopg

from migrator.sql.context import Column, Constraint, Facts, Index, RelationKind, Table
from migrator.sql.names import Name

_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "f": RelationKind.FOREIGN,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATVIEW,
    "S": RelationKind.SEQUENCE,
}
_CONSTRAINTS = {"c": "check", "f": "foreign key", "u": "unique", "p": "primary key", "x": "exclude", "n": "not null"}

_RELATIONS = """
select c.oid, n.nspname, c.relname, c.relkind,
       array(select p.inhparent from pg_inherits p where p.inhrelid = c.oid),
       array(select p.inhrelid from pg_inherits p where p.inhparent = c.oid),
       (select partdefid from pg_partitioned_table where partrelid = c.oid),
       array(select a.attname::text from pg_partitioned_table k, unnest(k.partattrs) at, pg_attribute a
             where k.partrelid = c.oid and a.attrelid = c.oid and a.attnum = at),
       array(select distinct f.conrelid from pg_constraint f
             where f.confrelid = c.oid and f.contype = 'f' and f.conrelid <> c.oid and f.conparentid = 0)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
"""
_COLUMNS = """
select attrelid, attname::text, format_type(atttypid, atttypmod), attnotnull
from pg_attribute where attnum > 0 and not attisdropped order by attrelid, attnum
"""
_CHECKS = """
select c.conrelid, c.conname::text, c.contype, c.convalidated, c.confrelid,
       case when c.contype = 'c' then pg_get_expr(c.conbin, c.conrelid) else '' end,
       array(select a.attname::text from unnest(c.conkey) k, pg_attribute a
             where a.attrelid = c.conrelid and a.attnum = k)
from pg_constraint c where c.conrelid <> 0 and not (c.contype = 'f' and c.conparentid <> 0)
"""
_INDEXES = """
select i.indrelid, n.nspname, c.relname, i.indisunique, i.indisvalid, i.indpred is not null, i.indexprs is not null,
       c.relkind = 'I', (select conname::text from pg_constraint where conindid = c.oid and contype in ('u', 'p', 'x')),
       array(select a.attname::text from unnest(i.indkey::int2[]) k, pg_attribute a
             where a.attrelid = i.indrelid and a.attnum = k)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public'
"""


def facts(connection: psycopg.Connection) -> Facts:
    """Return everything in schema `public`."""
    relations = connection.execute(_RELATIONS).fetchall()
    names = {oid: Name(name, schema) for oid, schema, name, *_ in relations}
    columns, constraints, indexes = _columns(connection), _constraints(connection, names), _indexes(connection, names)
    return Facts(
        pg_version=connection.info.server_version // 10000,
        timezone=connection.info.parameter_status("TimeZone"),
        tables=tuple(
            Table(
                name=names[oid],
                kind=_KINDS[kind],
                columns=tuple(columns.get(oid, ())),
                constraints=tuple(constraints.get(oid, ())),
                indexes=tuple(indexes.get(oid, ())),
                parents=tuple(names[one] for one in parents),
                children=tuple(names[one] for one in children),
                default_partition=names.get(default),
                partition_key=tuple(key),
                referenced_by=tuple(names[one] for one in referrers),
            )
            for oid, _, _, kind, parents, children, default, key, referrers in relations
        ),
        domains={Name("dom", "public"): False},
        domain_users={Name("dom", "public"): (Name("uses_dom", "public"),)},
    )


def _columns(connection: psycopg.Connection) -> dict[int, list[Column]]:
    found: dict[int, list[Column]] = {}
    for oid, *column in connection.execute(_COLUMNS):
        found.setdefault(oid, []).append(Column(*column))
    return found


def _constraints(connection: psycopg.Connection, names: dict[int, Name]) -> dict[int, list[Constraint]]:
    found: dict[int, list[Constraint]] = {}
    for oid, name, kind, validated, target, expression, columns in connection.execute(_CHECKS):
        if kind in _CONSTRAINTS:
            made = Constraint(name, _CONSTRAINTS[kind], tuple(columns), validated, expression, names.get(target))
            found.setdefault(oid, []).append(made)
    return found


def _indexes(connection: psycopg.Connection, names: dict[int, Name]) -> dict[int, list[Index]]:
    found: dict[int, list[Index]] = {}
    for oid, schema, name, unique, valid, partial, expressions, partitioned, constraint, columns in connection.execute(
        _INDEXES
    ):
        made = Index(
            Name(name, schema), names[oid], tuple(columns), unique, valid, partial, expressions, constraint, partitioned
        )
        found.setdefault(oid, []).append(made)
    return found
