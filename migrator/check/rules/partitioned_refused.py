"""PostgreSQL refuses this on a partitioned table.

What it does
------------
Reports on a known partitioned table: `CREATE INDEX CONCURRENTLY` and `DROP INDEX CONCURRENTLY`, a foreign key NOT VALID
before PostgreSQL 18, `ADD CONSTRAINT ... USING INDEX`, a primary key or what is unique without the columns of the
partition key, `ATTACH PARTITION` of a table whose columns are others, or take NULL where those of the parent do not,
and partitions that take rows of another.

Why it is bad
-------------
The statement fails.

What to do instead
------------------
Do it on each partition, then on the parent: an index ON ONLY the parent and ATTACH PARTITION; a foreign key on each
partition NOT VALID, validated, then on the parent.

When it does not apply
----------------------
The table is not known to be partitioned, and PostgreSQL 18 for foreign keys. migrator builds an index partition by
partition, however it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.bounds import bounds_of
from migrator.check.schema.columns import kinds_of
from migrator.check.stalls import MADE_SAFE
from migrator.sql.column_type import Type, read_type
from migrator.sql.commands import definition
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import Name, name_of, quote
from migrator.sql.online.form import OnlineForm
from migrator.sql.parser import Tree, field_enum, kind_of, strings
from migrator.sql.parser import find as find_nodes

HAZARD = Hazard.FAILS
_YEAR = (
    "CREATE TABLE p (day date) PARTITION BY RANGE (day); "
    "CREATE TABLE year PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
)
BAD = (
    Example(sql="ALTER TABLE p ALTER day TYPE timestamp;", setup=_YEAR),
    Example(sql="ALTER TABLE year DROP COLUMN day;", setup=_YEAR),
    Example(sql="ALTER TABLE year ADD COLUMN note text;", setup=_YEAR),
    Example(sql="CREATE INDEX CONCURRENTLY i ON p (a);", setup="CREATE TABLE p (a int) PARTITION BY LIST (a);"),
    Example(
        sql="ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES o (id) NOT VALID;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
    ),
    Example(
        sql="DROP INDEX CONCURRENTLY i;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE INDEX i ON p (a);",
    ),
    Example(
        sql="ALTER TABLE p ADD CONSTRAINT u UNIQUE USING INDEX i;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
    ),
    Example(
        sql="CREATE UNIQUE INDEX u ON ONLY p (b);",
        setup="CREATE TABLE p (a int, b int) PARTITION BY LIST (a);",
    ),
    Example(sql="CREATE TABLE p (a int PRIMARY KEY, b int) PARTITION BY LIST (b);"),
    Example(
        sql="CREATE TABLE c (a int); ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1);",
        setup="CREATE TABLE p (a int NOT NULL) PARTITION BY LIST (a);",
    ),
    Example(
        sql="CREATE TABLE q4 PARTITION OF p FOR VALUES FROM ('2025-10-01') TO ('2026-01-02');",
        setup=_YEAR,
    ),
    Example(
        sql="ALTER TABLE p ATTACH PARTITION b FOR VALUES IN ('x', 'z');",
        setup=(
            "CREATE TABLE p (a text) PARTITION BY LIST (a); CREATE TABLE a PARTITION OF p FOR VALUES IN ('z'); "
            "CREATE TABLE b (a text);"
        ),
    ),
)
GOOD = (
    Example(
        sql="CREATE INDEX CONCURRENTLY i ON p1 (a);",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
    ),
    Example(
        sql="ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES o (id) NOT VALID;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
        pg_version=18,
    ),
    Example(sql="CREATE INDEX CONCURRENTLY i ON unknown (a);"),
    Example(sql="CREATE TABLE next PARTITION OF p FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');", setup=_YEAR),
    Example(
        sql=(
            "ALTER TABLE p DETACH PARTITION year; "
            "CREATE TABLE half PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');"
        ),
        setup=_YEAR,
    ),
    Example(
        sql="CREATE UNIQUE INDEX u ON ONLY p (b, a);",
        setup="CREATE TABLE p (a int, b int) PARTITION BY LIST (a);",
    ),
    Example(sql="CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)) PARTITION BY LIST (b);"),
    Example(
        sql="CREATE TABLE c (a int NOT NULL, m public.mood); ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1);",
        setup="CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE p (a int NOT NULL, m mood) PARTITION BY LIST (a);",
    ),
)


_KEYS = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE"})
_FOREIGN_KEY_CAN_BE_UNVALIDATED = 18


def find(moment: Moment) -> Iterator[Report]:
    """Yield what only plain tables can have."""
    yield from _indexes(moment)
    yield from _constraints(moment)
    yield from _columns(moment)
    yield from _without_partition_key(moment)
    yield from _overlapping(moment)
    for table, command in moment.commands("AT_AttachPartition"):
        child = name_of(definition(command).name)
        for reason in _unlike(moment, moment.schema.known(table), moment.schema.known(child)):
            yield Report(
                f"PostgreSQL refuses to attach {child} to {table}: {reason}",
                f"make it with CREATE TABLE ... (LIKE {table} INCLUDING ALL)",
            )


def _indexes(moment: Moment) -> Iterator[Report]:
    if moment.statement.kind == "index_stmt" and moment.tree.concurrent and moment.tree.relation.inh:
        yield from _refused(moment, name_of(moment.tree.relation), "CREATE INDEX CONCURRENTLY")
    if moment.statement.kind == "drop_stmt" and moment.tree.concurrent:
        for one in moment.effect.drops:
            index = moment.schema.index(one.name)
            if index is not None and index.partitioned:
                yield from _refused(moment, index.table, "DROP INDEX CONCURRENTLY")


def _constraints(moment: Moment) -> Iterator[Report]:
    for table, command in moment.commands("AT_AddConstraint"):
        constraint = definition(command)
        foreign = field_enum(constraint, "contype") == "CONSTR_FOREIGN"
        if foreign and constraint.skip_validation and moment.version < _FOREIGN_KEY_CAN_BE_UNVALIDATED:
            yield from _refused(moment, table, "a foreign key NOT VALID")
        if constraint.indexname:
            yield from _refused(moment, table, "a constraint USING INDEX")


def _columns(moment: Moment) -> Iterator[Report]:
    for table, command in moment.commands("AT_AlterColumnType"):
        if command.name in moment.schema.known(table).partition_key:
            yield Report(
                f"PostgreSQL refuses it: {table} is partitioned by {quote(command.name)}",
                "a new partitioned table with the new type, filled in chunks",
            )
    for table, command in moment.commands("AT_AddColumn"):
        for parent in moment.schema.known(table).parents:
            if moment.schema.known(parent).kind is RelationKind.PARTITIONED:
                name = quote(definition(command).colname)
                yield Report(
                    f"PostgreSQL refuses it: {table} is a partition", f"ALTER TABLE {parent} ADD COLUMN {name} ...;"
                )
    for table, command in moment.commands("AT_DropColumn"):
        for parent in moment.schema.known(table).parents:
            if moment.schema.known(parent).column(command.name):
                yield Report(
                    f"PostgreSQL refuses it: {quote(command.name)} is a column of {parent}", f"drop it from {parent}"
                )


def _overlapping(moment: Moment) -> Iterator[Report]:
    """Yield each partition whose rows the new one would take as well."""
    made: list[tuple[Name, Name, Tree]] = []
    if moment.statement.kind == "create_stmt" and moment.tree.HasField("partbound"):
        parent = name_of(moment.tree.inh_relations[0].range_var)
        made.append((parent, name_of(moment.tree.relation), moment.tree.partbound))
    for parent, command in moment.commands("AT_AttachPartition"):
        made.append((parent, name_of(definition(command).name), definition(command).bound))
    for parent, child, spec in made:
        own = bounds_of(spec)
        for other in moment.schema.known(parent).children if own else ():
            its = moment.schema.bounds.get(other)
            if own and its and not other.same(child) and own.meets(its):
                yield Report(
                    f"PostgreSQL refuses {child} as a partition of {parent}: {other} takes some of its rows",
                    f"bounds that begin where those of {other} end",
                )


def _unlike(moment: Moment, parent: Table, child: Table) -> Iterator[str]:
    """Yield how the columns of two tables differ, where all of them are known."""
    if not all(one.columns and moment.schema.is_whole(one.name) for one in (parent, child)):
        return
    for one in parent.columns:
        other = child.column(one.name)
        if other is None:
            yield f"it has no column {one.name}"
        elif one.type and other.type and not _same(read_type(one.type), read_type(other.type)):
            yield f"its column {one.name} is {other.type}, not {one.type}"
        elif one.not_null and not other.not_null:
            yield f"its column {one.name} can be NULL"
    yield from (f"{parent.name} has no column {one.name}" for one in child.columns if not parent.column(one.name))


def _same(one: Type | None, other: Type | None) -> bool:
    """Say whether both can be one type: an unknown one can be any, and one without a schema be in any."""
    if one is None or other is None:
        return True
    schemas = {one.schema, other.schema} if None not in (one.schema, other.schema) else {None}
    return replace(one, schema=None) == replace(other, schema=None) and len(schemas) == 1


def _without_partition_key(moment: Moment) -> Iterator[Report]:
    for table, partitioned_by, columns in _unique(moment):
        missing = [one for one in partitioned_by if one and one not in columns]
        if missing:
            yield Report(
                f"PostgreSQL refuses a key over ({', '.join(columns)}) on {table}, which is partitioned by "
                f"{', '.join(missing)}",
                f"over ({', '.join((*columns, *missing))}), or on each partition by itself",
            )


def _unique(moment: Moment) -> Iterator[tuple[Name, tuple[str, ...], tuple[str, ...]]]:
    """Yield each table with its partition key and the columns of what the statement makes unique."""
    tree = moment.tree
    if moment.statement.kind == "index_stmt" and tree.unique:
        table = name_of(tree.relation)
        yield table, moment.schema.known(table).partition_key, tuple(one.index_elem.name for one in tree.index_params)
    for table, command in moment.commands("AT_AddConstraint"):
        added = definition(command)
        if field_enum(added, "contype") in _KEYS and not added.indexname:
            yield table, moment.schema.known(table).partition_key, strings(added.keys)
    if moment.statement.kind == "create_stmt" and tree.HasField("partspec"):
        table = name_of(tree.relation)
        partitioned_by = tuple(one.name for one in find_nodes(tree.partspec, "PartitionElem"))
        for column in find_nodes(tree, "ColumnDef"):
            if kinds_of(column) & _KEYS:
                yield table, partitioned_by, (column.colname,)
        for node in tree.table_elts:
            if kind_of(node) == "constraint" and field_enum(node.constraint, "contype") in _KEYS:
                yield table, partitioned_by, strings(node.constraint.keys)


def _refused(moment: Moment, table: Name, what: str) -> Iterator[Report]:
    known = moment.schema.table(table)
    if known is not None and known.kind is RelationKind.PARTITIONED:
        partitions = ", ".join(str(child) for child in known.children) or "each partition"
        safe = moment.by_itself and isinstance(moment.online, OnlineForm)
        yield Report(
            f"PostgreSQL refuses {what} on {table}, which is partitioned",
            f"first on {partitions}, then on {table}",
            Severity.INFO if safe else None,
            MADE_SAFE if safe else "",
        )
