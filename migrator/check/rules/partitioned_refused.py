"""PostgreSQL refuses this on a partitioned table.

What it does
------------
Reports on a known partitioned table: `CREATE INDEX CONCURRENTLY` and `DROP INDEX CONCURRENTLY`, a foreign key NOT VALID
before PostgreSQL 18, `ADD CONSTRAINT ... USING INDEX`.

Why it is bad
-------------
The statement fails.

What to do instead
------------------
Do it on each partition, then on the parent: an index ON ONLY the parent and ATTACH PARTITION; a foreign key on each
partition NOT VALID, validated, then on the parent.

When it does not apply
----------------------
The table is not known to be partitioned, and PostgreSQL 18 for foreign keys.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE
from migrator.sql.commands import definition
from migrator.sql.context import RelationKind
from migrator.sql.names import Name, name_of
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON p (a);", setup="CREATE TABLE p (a int) PARTITION BY LIST (a);"),
    Example(
        sql="ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES o (id) NOT VALID;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
    ),
    Example(
        sql="DROP INDEX CONCURRENTLY i;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE INDEX i ON p (a);",
    ),
    Example(
        sql="ALTER TABLE p ADD CONSTRAINT u UNIQUE USING INDEX i;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
    ),
)
GOOD = (
    Example(
        sql="CREATE INDEX CONCURRENTLY i ON p1 (a);",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
    ),
    Example(
        sql="ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES o (id) NOT VALID;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a);",
        pg_version=18,
    ),
    Example(sql="CREATE INDEX CONCURRENTLY i ON unknown (a);"),
)


_FOREIGN_KEY_CAN_BE_UNVALIDATED = 18


def find(moment: Moment) -> Iterator[Report]:
    """Yield what only plain tables can have."""
    if moment.statement.kind == "index_stmt" and moment.tree.concurrent and moment.tree.relation.inh:
        yield from _refused(moment, name_of(moment.tree.relation), "CREATE INDEX CONCURRENTLY")
    if moment.statement.kind == "drop_stmt" and moment.tree.concurrent:
        for one in moment.effect.drops:
            index = moment.schema.index(one.name)
            if index is not None and index.partitioned:
                yield from _refused(moment, index.table, "DROP INDEX CONCURRENTLY")
    for table, command in moment.commands("AT_AddConstraint"):
        constraint = definition(command)
        foreign = field_enum(constraint, "contype") == "CONSTR_FOREIGN"
        if foreign and constraint.skip_validation and moment.version < _FOREIGN_KEY_CAN_BE_UNVALIDATED:
            yield from _refused(moment, table, "a foreign key NOT VALID")
        if constraint.indexname:
            yield from _refused(moment, table, "a constraint USING INDEX")


def _refused(moment: Moment, table: Name, what: str) -> Iterator[Report]:
    known = moment.schema.table(table)
    if known is not None and known.kind is RelationKind.PARTITIONED:
        partitions = ", ".join(str(child) for child in known.children) or "each partition"
        safe = moment.by_migrator and moment.statement.kind == "index_stmt"
        yield Report(
            f"PostgreSQL refuses {what} on {table}, which is partitioned",
            f"first on {partitions}, then on {table}",
            Severity.INFO if safe else None,
            MADE_SAFE if safe else "",
        )
