"""A published table without a key refuses every UPDATE and DELETE.

What it does
------------
Reports `CREATE PUBLICATION` and `ALTER PUBLICATION ... ADD` or `SET TABLE` of a table that has no primary key and no
REPLICA IDENTITY, as far as the schema, the history and the script tell.

Why it is bad
-------------
A publication of updates and deletes has to say which row is meant. From that moment on the table's own database refuses
them: `cannot update table because it does not have a replica identity and publishes updates`.

What to do instead
------------------
Give the table a primary key first, or `ALTER TABLE ... REPLICA IDENTITY USING INDEX` with a unique index over NOT NULL
columns; or publish inserts alone: `WITH (publish = 'insert')`.

When it does not apply
----------------------
Tables that no CREATE TABLE told of, and `FOR ALL TABLES`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import name_of
from migrator.sql.parser import field_enum, option_text, strings

HAZARD = Hazard.BREAKS
_SETUP = "CREATE TABLE log (a int); CREATE TABLE orders (id int PRIMARY KEY, total int);"
BAD = (
    Example(sql="CREATE PUBLICATION p FOR TABLE log;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE orders, log WITH (publish = 'insert, delete');", setup=_SETUP),
    Example(sql="ALTER PUBLICATION p ADD TABLE log;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR ALL TABLES;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE orders (total);", setup=_SETUP),
)
GOOD = (
    Example(sql="DROP TABLE log; CREATE PUBLICATION p FOR ALL TABLES;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE orders (id);", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE orders;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE log WITH (publish = 'insert');", setup=_SETUP),
    Example(sql="ALTER TABLE log REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE log;", setup=_SETUP),
    Example(sql="ALTER PUBLICATION p DROP TABLE log;", setup=_SETUP),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table whose rows cannot be told apart."""
    adds = moment.statement.kind == "alter_publication_stmt" and field_enum(moment.tree, "action") != "AP_DropObjects"
    if not (adds or moment.statement.kind == "create_publication_stmt") or not _publishes_changes(moment):
        return
    if moment.statement.kind == "create_publication_stmt" and moment.tree.for_all_tables:
        yield from (report for table in moment.schema.every() for report in _without_key(moment, table))
    for node in moment.tree.pubobjects:
        one = node.publication_obj_spec
        table = moment.schema.table(name_of(one.pubtable.relation)) if one.HasField("pubtable") else None
        if table is not None:
            yield from _without_key(moment, table)
            yield from _key_left_out(moment, table, strings(one.pubtable.columns))


def _is_judged(moment: Moment, table: Table) -> bool:
    known = table.kind in (RelationKind.TABLE, RelationKind.PARTITIONED) and table.columns
    return bool(known) and moment.schema.is_whole(table.name) and table.name.name not in moment.schema.identified


def _without_key(moment: Moment, table: Table) -> Iterator[Report]:
    if _is_judged(moment, table) and not table.parents and _key(table) is None:
        yield Report(
            f"PostgreSQL refuses every UPDATE and DELETE of {table.name} from then on: it has no primary key",
            f"ALTER TABLE {table.name} REPLICA IDENTITY FULL;   -- or a primary key, or WITH (publish = 'insert')",
        )


def _key_left_out(moment: Moment, table: Table, listed: tuple[str, ...]) -> Iterator[Report]:
    key = _key(table)
    if _is_judged(moment, table) and key is not None and listed and not set(key) <= set(listed):
        yield Report(
            f"PostgreSQL refuses every UPDATE and DELETE of {table.name} from then on: its key is not published",
            f"list ({', '.join(key)}) among the columns too",
        )


def _key(table: Table) -> tuple[str, ...] | None:
    return next((one.columns for one in table.constraints if one.kind == "primary key"), None)


def _publishes_changes(moment: Moment) -> bool:
    options = {one.def_elem.defname: option_text(one.def_elem) for one in moment.tree.options}
    published = options.get("publish", "update")
    return "update" in published or "delete" in published
