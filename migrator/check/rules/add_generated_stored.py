"""A stored generated column is computed for every row while the table is locked.

What it does
------------
Reports `ADD COLUMN ... GENERATED ALWAYS AS (...) STORED`.

Why it is bad
-------------
The value of every row is computed and stored at once: the table and its indexes are written anew under ACCESS
EXCLUSIVE.

What to do instead
------------------
Add a plain column, keep it filled by a trigger or a `dual_write` step, and fill the old rows in chunks.

When it does not apply
----------------------
On PostgreSQL 18 a VIRTUAL column is computed when it is read and costs nothing to add.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE orders ADD COLUMN eur numeric GENERATED ALWAYS AS (amount_cents / 100.0) STORED;"),
    Example(sql="ALTER TABLE orders ADD COLUMN low text GENERATED ALWAYS AS (lower(ref)) STORED;"),
    Example(sql="ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int GENERATED ALWAYS AS (qty * 2) STORED;"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN dbl int GENERATED ALWAYS AS (qty * 2) VIRTUAL;", pg_version=18),
    Example(sql="CREATE TABLE fresh (a int, b int GENERATED ALWAYS AS (a * 2) STORED);"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN dbl int GENERATED ALWAYS AS (n * 2) STORED; COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-generated-stored")
