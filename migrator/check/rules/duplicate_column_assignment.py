"""A column is given a value twice in one INSERT or UPDATE.

What it does
------------
Reports `INSERT` that names a column twice, and `UPDATE ... SET` and `ON CONFLICT DO UPDATE SET` that set one twice.

Why it is bad
-------------
PostgreSQL refuses the statement: "column specified more than once", "multiple assignments to same column".

What to do instead
------------------
Name it once.

When it does not apply
----------------------
Elements of an array and fields of a composite value: each can be set by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.parser import sorted_out

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="INSERT INTO orders (id, note, note) VALUES (1, 'a', 'b');"),
    Example(sql="UPDATE orders SET note = 'a', qty = 1, note = 'b' WHERE id = 1;"),
    Example(sql="INSERT INTO o (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 1, n = 2;"),
)
GOOD = (
    Example(sql="INSERT INTO orders (id, note) VALUES (1, 'a');"),
    Example(sql="UPDATE orders SET spots[1] = 'a', spots[2] = 'b' WHERE id = 1;"),
    Example(sql="UPDATE orders SET note = 'a', qty = 1 WHERE id = 1;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that is named twice."""
    if moment.statement.kind not in ("insert_stmt", "update_stmt"):
        return
    lists = [moment.tree.cols if moment.statement.kind == "insert_stmt" else moment.tree.target_list]
    lists += [one.target_list for one in sorted_out(moment.tree)["OnConflictClause"]]
    named = [[one.res_target.name for one in columns if not one.res_target.indirection] for columns in lists]
    twice = {name for names in named for name, count in Counter(names).items() if count > 1}
    for name in sorted(twice):
        yield Report(f"PostgreSQL refuses it: the column {name} is named more than once", "name it once")
