"""A column that a view reads can neither change its type nor be dropped.

What it does
------------
Reports `ALTER COLUMN ... TYPE` and `DROP COLUMN` without CASCADE on a column that a known view reads.

Why it is bad
-------------
PostgreSQL refuses the statement: the view depends on the column.

What to do instead
------------------
Drop the view, change the column and create the view again, all in one transaction.

When it does not apply
----------------------
No view is known: not created by the script, and no `--schema` given.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(
        sql="ALTER TABLE orders ALTER COLUMN status TYPE varchar;",
        setup=(
            "CREATE TABLE orders (id int, status text); CREATE VIEW v AS SELECT id FROM orders WHERE status = 'open';"
        ),
    ),
    Example(
        sql="ALTER TABLE orders DROP COLUMN status;",
        setup="CREATE TABLE orders (status text); CREATE VIEW v AS SELECT * FROM orders;",
    ),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN id TYPE bigint;",
        setup="CREATE TABLE orders (id int); CREATE MATERIALIZED VIEW v AS SELECT id FROM orders;",
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE orders ALTER COLUMN note TYPE varchar;",
        setup="CREATE TABLE orders (id int, note text); CREATE VIEW v AS SELECT id FROM orders;",
    ),
    Example(
        sql=(
            "BEGIN; DROP VIEW v; ALTER TABLE orders ALTER COLUMN id TYPE bigint; "
            "CREATE VIEW v AS SELECT id FROM orders; COMMIT;"
        ),
        setup="CREATE TABLE orders (id int); CREATE VIEW v AS SELECT id FROM orders;",
    ),
    Example(sql="ALTER TABLE orders ALTER COLUMN note TYPE text;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column with the view that holds on to it."""
    for table, command in moment.commands("AT_AlterColumnType", "AT_DropColumn"):
        dropped = field_enum(command, "subtype") == "AT_DropColumn"
        if dropped and field_enum(command, "behavior") == "DROP_CASCADE":
            continue
        for view, reads in moment.schema.views.items():
            of_table = any(one.same(table) for one in reads.relations)
            if of_table and reads.columns & {command.name, "*"}:
                name = quote(command.name)
                yield Report(
                    f"PostgreSQL refuses it: view {view} reads {table}.{name}",
                    f"BEGIN;\nDROP VIEW {view};\n{moment.statement.text};\nCREATE VIEW {view} AS ...;\nCOMMIT;",
                )
