"""One UPDATE or DELETE over a whole table locks every row until it is done.

What it does
------------
Reports `UPDATE` without WHERE, and `UPDATE` or `DELETE` with conditions that no key limits: `IS NULL`, `<>`, `NOT`,
`LIKE`, a truth value, a value of a column that is called like a class (`status`, `type`, ...) or is itself given
another value, a range that is open on one side, a subquery without LIMIT, a join with another table; `MERGE` and
`INSERT ... ON CONFLICT DO UPDATE` with a table; those inside WITH, and in loops of DO blocks that do not commit.

Why it is bad
-------------
All rows stay locked and all old versions stay in the table until the end; the log of so many writes holds up the
standbys. Writers of any of the rows wait.

What to do instead
------------------
Fill it in chunks of some thousand rows, each its own transaction: a `backfill` step of a plan does, and resumes where
it was stopped.

When it does not apply
----------------------
Tables that the same script created, and conditions on single rows or ranges of a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import looped_changes
from migrator.check.conditions import changes_in, condition_sql, is_by_key, is_unlimited, is_whole, reads_tables
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.context import Table
from migrator.sql.names import name_of, quote
from migrator.sql.parser import Tree, field_enum

HAZARD = Hazard.BLOCKS
AT_RUN_TIME = True
BAD = (
    Example(
        sql=(
            "CREATE TEMP TABLE few (id int); DROP TABLE few; CREATE TEMP TABLE few AS SELECT id FROM orders; "
            "UPDATE orders SET n = 1 FROM few WHERE orders.id = few.id;"
        )
    ),
    Example(sql="DELETE FROM sessions WHERE token IS NULL;"),
    Example(sql="UPDATE orders SET lane = 'std';"),
    Example(sql="ALTER TABLE orders ADD COLUMN lane text; UPDATE orders SET lane = 'std' WHERE lane IS NULL;"),
    Example(sql="UPDATE orders SET note = upper(note) WHERE note IS NOT NULL AND true;"),
    Example(sql="UPDATE orders o SET note = c.name FROM customers c WHERE c.id = o.customer_id;"),
    Example(sql="MERGE INTO orders o USING customers c ON c.id = o.customer_id WHEN MATCHED THEN DELETE;"),
    Example(sql="WITH c AS (UPDATE orders SET note = 'n' RETURNING id) SELECT count(*) FROM c;"),
    Example(sql="DELETE FROM sessions WHERE created_at < '2024-01-01';"),
    Example(sql="UPDATE orders SET carrier = 'dhl' WHERE carrier = 'ups';"),
    Example(sql="UPDATE orders SET note = 'n' WHERE status IN ('open', 'held') AND note IS NULL;"),
    Example(sql="UPDATE orders SET note = 'n' WHERE id NOT IN (SELECT order_id FROM payments);"),
    Example(sql="INSERT INTO a SELECT id, n FROM b ON CONFLICT (id) DO UPDATE SET n = excluded.n;"),
    Example(
        sql=(
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM orders LOOP "
            "UPDATE orders SET note = 'n' WHERE id = r.id; END LOOP; END $$;"
        )
    ),
)
GOOD = (
    Example(sql="UPDATE orders o SET note = v.n FROM (VALUES (1, 'a')) v (id, n) WHERE v.id = o.id;"),
    Example(sql="UPDATE orders o SET note = c.name FROM customers c WHERE c.id = o.customer_id AND o.id < 1000;"),
    Example(sql="UPDATE orders SET lane = 'std' WHERE id = 5;"),
    Example(sql="UPDATE roles SET name = 'owner' WHERE name = 'admin';"),
    Example(
        sql="UPDATE lanes SET lane = 'std' WHERE lane = 'standard';", setup="CREATE TABLE lanes (lane text UNIQUE);"
    ),
    Example(sql="UPDATE orders SET lane = 'std' WHERE id BETWEEN 1 AND 1000 AND lane IS NULL;"),
    Example(sql="CREATE TABLE fresh (a int); UPDATE fresh SET a = 1;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each change that may touch all rows."""
    yield from _in_loops(moment)
    yield from _upserts(moment)
    for change in changes_in(moment.statement):
        table = name_of(change.relation)
        if not moment.live(table) or not is_unlimited(change, _keys(moment.schema.table(table)), _few(moment)):
            continue
        kind = change.DESCRIPTOR.name
        if kind != "DeleteStmt":
            yield Report(
                f"every row of {table} that it changes stays locked until all of them are written",
                _step(change) if kind == "UpdateStmt" else "split it by ranges of the key, each its own transaction",
            )
        elif not is_whole(change):
            where = f" AND {condition_sql(change)}" if change.HasField("where_clause") else ""
            yield Report(
                f"every row of {table} that it deletes stays locked until all of them are gone",
                f"DELETE FROM {table} WHERE <key> BETWEEN <first> AND <last>{where};   -- chunk by chunk",
            )


def _few(moment: Moment) -> frozenset[str]:
    return frozenset(table.name.name for table in moment.schema.every() if table.few)


def _keys(table: Table | None) -> frozenset[str]:
    """Return the columns that have each value once."""
    return frozenset(
        one.columns[0]
        for one in (table.indexes if table else ())
        if one.unique and len(one.columns) == 1 and not one.partial and not one.expressions
    )


def _in_loops(moment: Moment) -> Iterator[Report]:
    for change in looped_changes(moment.statement):
        table = name_of(change.tree.relation)
        if moment.live(table):
            yield Report(
                f"every row of {table} that the loop changes stays locked until the whole block is done",
                "COMMIT after each round of the loop, outside any other transaction; or a backfill step of a plan",
            )


def _upserts(moment: Moment) -> Iterator[Report]:
    tree = moment.tree
    if moment.statement.kind != "insert_stmt" or field_enum(tree.on_conflict_clause, "action") != "ONCONFLICT_UPDATE":
        return
    table = name_of(tree.relation)
    if moment.live(table) and reads_tables(tree) and not is_by_key(tree):
        yield Report(
            f"every row of {table} that it updates stays locked until all of them are written",
            "split it by ranges of the key, each its own transaction",
        )


def _step(change: Tree) -> str:
    table = name_of(change.relation)
    columns = ", ".join(f"{quote(one.res_target.name)}: <expression>" for one in change.target_list)
    where = f"\n    where: {condition_sql(change)}" if change.HasField("where_clause") else ""
    step = f"- backfill:\n    table: {table}\n    set: {{{columns}}}{where}"
    return f"as a step of a plan, in chunks that commit one by one:\n{step}"
