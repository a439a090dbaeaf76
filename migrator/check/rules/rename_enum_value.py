"""A renamed enum value is refused from the code that still writes the old one.

What it does
------------
Reports `ALTER TYPE ... RENAME VALUE`.

Why it is bad
-------------
Running code that writes or compares with the old label gets an error.

What to do instead
------------------
Add the new label, let code write it, update the rows in chunks, stop using the old label.

When it does not apply
----------------------
Types that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import named
from migrator.sql.parser import strings

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TYPE ship_state RENAME VALUE 'new' TO 'fresh';"),
    Example(sql="ALTER TYPE shop.ship_state RENAME VALUE 'a' TO 'b';"),
    Example(sql="BEGIN; ALTER TYPE ship_state RENAME VALUE 'sent' TO 'shipped'; COMMIT;"),
)
GOOD = (
    Example(sql="ALTER TYPE ship_state ADD VALUE 'lost';"),
    Example(sql="CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood RENAME VALUE 'a' TO 'b';"),
    Example(sql="ALTER TYPE ship_state ADD VALUE IF NOT EXISTS 'lost' AFTER 'sent';"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the label that code may still write."""
    if moment.statement.kind != "alter_enum_stmt" or not moment.tree.old_val:
        return
    parts = strings(moment.tree.type_name)
    name = named(parts)
    if not any(one.same(name) for one in moment.schema.new_objects):
        yield Report(
            f"running code that uses the label '{moment.tree.old_val}' of {name} fails",
            f"ALTER TYPE {name} ADD VALUE '{moment.tree.new_val}';   -- then update the rows in chunks",
        )
