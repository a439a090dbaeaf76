"""A foreign key without an index on its columns makes every delete in the other table read this one.

What it does
------------
Reports foreign keys whose columns no index begins with, made so far or later in the same script.

Why it is bad
-------------
To delete a row of the referenced table, or to change its key, PostgreSQL looks for rows that point to it: without an
index from end to end, once for each row, with the row locked.

What to do instead
------------------
    CREATE INDEX CONCURRENTLY ON payments (order_id);

before the foreign key.

When it does not apply
----------------------
Tables whose referenced rows are never deleted. Off by default: `--with foreign-key-without-index`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.afterwards import schema_with
from migrator.check.finding import Hazard, Severity
from migrator.check.foreign_keys import ForeignKey, foreign_keys
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import name_of, quote

HAZARD = Hazard.OPERABILITY
SEVERITY = Severity.WARNING
ON = False
_REFUNDS = "CREATE TABLE refunds (id int PRIMARY KEY, order_id int REFERENCES orders)"
BAD = (
    Example(sql=f"{_REFUNDS};"),
    Example(sql="ALTER TABLE payments ADD COLUMN order_id int REFERENCES orders;"),
    Example(
        sql="ALTER TABLE payments ADD FOREIGN KEY (order_id) REFERENCES orders NOT VALID;",
        setup="CREATE TABLE payments (a int, order_id int); CREATE INDEX ON payments (a, order_id);",
    ),
)
GOOD = (
    Example(sql=f"{_REFUNDS}; CREATE INDEX ON refunds (order_id);"),
    Example(sql="CREATE TABLE details (order_id int PRIMARY KEY REFERENCES orders);"),
    Example(
        sql="ALTER TABLE payments ADD FOREIGN KEY (order_id) REFERENCES orders NOT VALID;",
        setup="CREATE TABLE payments (a int, order_id int); CREATE INDEX ON payments (order_id, a);",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each foreign key that no index serves."""
    for key in foreign_keys(moment):
        if not _has_index(moment, key):
            columns = ", ".join(quote(one) for one in key.columns)
            yield Report(
                f"a delete in {key.references} reads all of {key.table}: no index begins with {columns}",
                f"CREATE INDEX CONCURRENTLY ON {key.table} ({columns});   -- outside a transaction",
            )


def _has_index(moment: Moment, key: ForeignKey) -> bool:
    known = schema_with(moment).known(key.table).indexes
    present = [one.columns for one in known if not one.partial]
    later = [
        tuple(element.index_elem.name for element in one.tree.index_params)
        for one in moment.following
        if one.kind == "index_stmt" and name_of(one.tree.relation).same(key.table)
    ]
    return any(set(columns[: len(key.columns)]) == set(key.columns) for columns in (*present, *later))
