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
from migrator.sql.names import name_of
from migrator.sql.parser import field_enum, option_text

HAZARD = Hazard.BREAKS
_SETUP = "CREATE TABLE log (a int); CREATE TABLE orders (id int PRIMARY KEY);"
BAD = (
    Example(sql="CREATE PUBLICATION p FOR TABLE log;", setup=_SETUP),
    Example(sql="CREATE PUBLICATION p FOR TABLE orders, log WITH (publish = 'insert, delete');", setup=_SETUP),
    Example(sql="ALTER PUBLICATION p ADD TABLE log;", setup=_SETUP),
)
GOOD = (
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
    for node in moment.tree.pubobjects:
        one = node.publication_obj_spec
        table = moment.schema.table(name_of(one.pubtable.relation)) if one.HasField("pubtable") else None
        if table is None or not moment.schema.is_whole(table.name) or table.name.name in moment.schema.identified:
            continue
        if not any(constraint.kind == "primary key" for constraint in table.constraints):
            yield Report(
                f"PostgreSQL refuses every UPDATE and DELETE of {table.name} from then on: it has no primary key",
                f"ALTER TABLE {table.name} REPLICA IDENTITY FULL;   -- or a primary key, or WITH (publish = 'insert')",
            )


def _publishes_changes(moment: Moment) -> bool:
    options = {one.def_elem.defname: option_text(one.def_elem) for one in moment.tree.options}
    published = options.get("publish", "update")
    return "update" in published or "delete" in published
