"""Without its default a NOT NULL column breaks every INSERT that does not name it.

What it does
------------
Reports `DROP DEFAULT` on a column that is known to be NOT NULL: added or altered so in the same script, or by the
schema given.

Why it is bad
-------------
Code that is still running inserts rows without the column, as it could so far, and gets an error.

What to do instead
------------------
Keep the default until no running code leaves the column out; drop it in a later revision.

When it does not apply
----------------------
Columns that take NULL, and columns of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(
        sql=(
            "ALTER TABLE orders ADD COLUMN src text NOT NULL DEFAULT 'x'; "
            "ALTER TABLE orders ALTER COLUMN src DROP DEFAULT;"
        ),
    ),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN qty DROP DEFAULT;",
        setup="CREATE TABLE orders (qty int NOT NULL DEFAULT 1);",
    ),
    Example(
        sql=(
            "ALTER TABLE a ADD b int DEFAULT 1; ALTER TABLE a ALTER b SET NOT NULL, ALTER c DROP NOT NULL; "
            "ALTER TABLE a ALTER b DROP DEFAULT;"
        ),
    ),
)
GOOD = (
    Example(sql="ALTER TABLE orders ALTER COLUMN note DROP DEFAULT;"),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN legacy DROP DEFAULT;",
        setup="CREATE TABLE orders (legacy text DEFAULT 'old');",
    ),
    Example(
        sql="ALTER TABLE orders ALTER qty DROP DEFAULT, ALTER qty DROP NOT NULL;",
        setup="CREATE TABLE orders (qty int NOT NULL DEFAULT 1);",
    ),
    Example(sql="CREATE TABLE fresh (a int NOT NULL DEFAULT 1); ALTER TABLE fresh ALTER a DROP DEFAULT;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each default that INSERTs may rely on."""
    for table, command in moment.commands("AT_ColumnDefault"):
        column = moment.schema.known(table).column(command.name)
        optional = any(other.name == command.name for _, other in moment.commands("AT_DropNotNull"))
        if not command.HasField("def") and column is not None and column.not_null and not optional:
            name = quote(command.name)
            yield Report(
                f"an INSERT into {table} that does not name {name} fails from now on: it is NOT NULL",
                f"leave the default of {table}.{name} until all running code writes it, then drop it",
            )
