"""Reading or changing many rows while a strong lock is held makes everybody wait for it.

What it does
------------
Reports queries, data changes and index builds that come after a statement of the same transaction locked a table in
use, and that are not limited to single rows.

Why it is bad
-------------
A lock is held until the commit. An instant of ACCESS EXCLUSIVE becomes as long as everything behind it.

What to do instead
------------------
Commit between the schema change and the work: two transactions, two revisions, or the phases of a plan.

When it does not apply
----------------------
Work on tables that the same script created, single rows by their key, and what the runner keeps books with. migrator
commits before such work, unless a lock was asked for by LOCK, or a table is dropped or renamed in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.conditions import is_catalog, worked_on
from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE
from migrator.check.wording import one_line
from migrator.sql.effects import Work
from migrator.sql.names import Name, name_of
from migrator.sql.online.form import OnlineForm

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="BEGIN; ALTER TABLE customers ADD COLUMN locale text; UPDATE customers SET locale = 'en'; COMMIT;"),
    Example(sql="BEGIN; ALTER TABLE customers ADD COLUMN locale text; SELECT count(*) FROM customers; COMMIT;"),
    Example(sql="BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; UPDATE orders SET qty = 2 WHERE id < 500; COMMIT;"),
    Example(sql="BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE INDEX i ON orders (a); COMMIT;"),
    Example(sql="BEGIN; ALTER TABLE orders ADD COLUMN a int; ANALYZE orders; COMMIT;"),
    Example(sql="BEGIN; ALTER TABLE customers ADD COLUMN a int; ALTER TABLE orders VALIDATE CONSTRAINT q; COMMIT;"),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN locale text; SELECT count(*) FROM customers;"),
    Example(
        sql=(
            "BEGIN; ALTER TABLE customers ADD COLUMN locale text; "
            "CREATE MATERIALIZED VIEW m AS SELECT * FROM customers WITH NO DATA; COMMIT;"
        )
    ),
    Example(
        sql="BEGIN; ALTER TABLE customers ADD COLUMN locale text; UPDATE alembic_version SET version_num = 'b'; COMMIT;"
    ),
    Example(sql="BEGIN; ALTER TABLE customers ADD COLUMN locale text; UPDATE settings SET v = 1 WHERE id = 4; COMMIT;"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "INSERT INTO fresh VALUES (1); UPDATE fresh SET n = 2; COMMIT;"
        ),
    ),
)


_PARTED = frozenset({
    "index_stmt", "alter_table_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt", "create_table_as_stmt",
})  # fmt: skip
"""Statements that migrator runs in a transaction of their own where another still holds a lock."""


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that a held lock lasts through."""
    held = next(iter(moment.transaction.held), None)
    table = _worked_on(moment) if held else None
    if held is None or table is None:
        return
    waits = "reads and writes" if held.mode.blocks_reads else "writes"
    yield Report(
        f"{waits} of {held.relation} wait until this is done with {table}: {held.mode.words} is held since "
        f"{one_line(held.statement)}",
        f"COMMIT;\n{moment.statement.text};   -- in a transaction of its own",
        Severity.INFO if _alone(moment) else None,
        MADE_SAFE if _alone(moment) else "",
    )


def _alone(moment: Moment) -> bool:
    """Say whether migrator runs the statement in a transaction of its own."""
    alone = moment.statement.kind in _PARTED or isinstance(moment.online, OnlineForm)
    return alone and moment.parted


def _worked_on(moment: Moment) -> Name | None:
    """Return a table in use of which the statement reads or changes many rows."""
    kind, tree = moment.statement.kind, moment.tree
    if kind in ("index_stmt", "alter_table_stmt"):
        return next((work.relation for work in moment.effect.work if _is_left_to_us(moment, work)), None)
    if kind == "vacuum_stmt" and not tree.is_vacuumcmd:
        return _first_live(moment, tuple(name_of(one.vacuum_relation.relation) for one in tree.rels))
    return _first_live(moment, worked_on(moment.statement))


def _is_left_to_us(moment: Moment, work: Work) -> bool:
    """Say whether no other rule is about the work: a validation under a lock on its own table has one."""
    if moment.statement.kind == "index_stmt":
        return moment.live(work.relation)
    table = name_of(moment.tree.relation)
    return work.rule == "validate-constraint" and not any(one.relation.same(table) for one in moment.transaction.held)


def _first_live(moment: Moment, tables: tuple[Name, ...]) -> Name | None:
    return next((table for table in tables if moment.live(table) and not is_catalog(table)), None)
