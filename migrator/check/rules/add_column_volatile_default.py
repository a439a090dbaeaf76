"""A new column whose default differs from row to row rewrites the whole table.

What it does
------------
Reports `ADD COLUMN` with a default that calls a volatile function, such as `gen_random_uuid()`, `random()`,
`clock_timestamp()` or `nextval()`, and with one that calls a function nothing is known of.

Why it is bad
-------------
PostgreSQL computes such a default for every row there is, so it writes the table and all its indexes anew under
ACCESS EXCLUSIVE: reads and writes wait for as long as the table is large.

What to do instead
------------------
Add the column without a default, set the default for new rows, fill the old rows in chunks:

    ALTER TABLE orders ADD COLUMN public_id uuid;
    ALTER TABLE orders ALTER COLUMN public_id SET DEFAULT gen_random_uuid();

Then a `backfill` step of a plan sets `public_id` where it is null.

When it does not apply
----------------------
Constants, `now()` and everything immutable or stable are computed once from PostgreSQL 11 on. A function of your own
counts as volatile unless the script, or the schema given with `--schema`, creates it as STABLE or IMMUTABLE.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE orders ADD COLUMN public_id uuid DEFAULT gen_random_uuid();"),
    Example(sql="ALTER TABLE orders ADD COLUMN ticket bigint DEFAULT nextval('ticket_no');"),
    Example(sql="ALTER TABLE orders ADD COLUMN a int, ADD COLUMN stamp timestamptz DEFAULT clock_timestamp();"),
    Example(sql="ALTER TABLE orders ADD COLUMN short_id text DEFAULT make_short_id();"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN created timestamptz DEFAULT now();"),
    Example(
        sql=(
            "ALTER TABLE orders ADD COLUMN public_id uuid; "
            "ALTER TABLE orders ALTER COLUMN public_id SET DEFAULT gen_random_uuid();"
        ),
    ),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN public_id uuid DEFAULT gen_random_uuid(); COMMIT;"
        ),
    ),
    Example(
        sql="ALTER TABLE orders ADD COLUMN tenant text DEFAULT current_tenant();",
        setup="CREATE FUNCTION current_tenant() RETURNS text LANGUAGE sql STABLE AS $$ select 'a' $$;",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-column-volatile-default")
