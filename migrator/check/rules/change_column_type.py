"""Changing a column's type rewrites the table and its indexes.

What it does
------------
Reports `ALTER COLUMN ... TYPE` where the values do not keep their bytes, or may not.

Why it is bad
-------------
Every row is converted and written anew under ACCESS EXCLUSIVE, indexes included; reads and writes wait for as long as
the table is large. Code that is still running may read the new type wrongly.

What to do instead
------------------
Add a column of the new type beside the old one, write both, fill it in chunks, switch readers, drop the old one:
expand, migrate, contract.

When it does not apply
----------------------
Values keep their bytes from varchar(n) to a longer varchar or text, from numeric(p,s) to a larger p with the same s,
to a higher precision of time, from cidr to inet, from varbit(n) to a longer one, and between timestamp and
timestamptz from PostgreSQL 12 on where the session's time zone is UTC. The present type decides: a script that does
not contain it is judged by the worst case, which `--schema` settles. Changes to text or varchar without a limit are
then a warning, as the column is most often a varchar. In a downgrade it is a warning: the way back from a free change
is often dear, and there is no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls
from migrator.sql.column_type import type_of
from migrator.sql.commands import definition
from migrator.sql.parser import Tree

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE orders ALTER COLUMN id TYPE bigint;"),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN tier TYPE integer;", setup="CREATE TABLE customers (tier smallint);"
    ),
    Example(
        sql="SET timezone = 'America/Los_Angeles'; ALTER TABLE customers ALTER COLUMN signup_at TYPE timestamptz;",
        setup="CREATE TABLE customers (signup_at timestamp);",
    ),
    Example(
        sql="SET timezone = 'UTC'; ALTER TABLE customers ALTER COLUMN signup_at TYPE timestamptz;",
        setup="CREATE TABLE customers (signup_at timestamp);",
        pg_version=11,
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email TYPE varchar(320);",
        setup="CREATE TABLE customers (email varchar(80));",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email TYPE text;", setup="CREATE TABLE customers (email varchar(80));"
    ),
    Example(
        sql="SET timezone = 'UTC'; ALTER TABLE customers ALTER COLUMN signup_at TYPE timestamptz;",
        setup="CREATE TABLE customers (signup_at timestamp);",
    ),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ALTER COLUMN n TYPE bigint; COMMIT;"
        ),
    ),
)


_MOSTLY_FREE = frozenset({"text", "varchar"})
_ZONES = frozenset({"timestamp", "timestamptz"})


def find(moment: Moment) -> Iterator[Report]:
    """Yield the rewrite, or index build, that the change of type costs."""
    if moment.downgrade:
        yield from (_inherent(report) for report in stalls(moment, "change-column-type"))
        return
    unsure = Severity.WARNING if all(_mostly_free(moment, one) for one in _changes(moment)) else Severity.ERROR
    yield from stalls(moment, "change-column-type", unsure=unsure)


def _inherent(report: Report) -> Report:
    """Return the report as a warning: a free change of type is often dear the other way, and nothing helps that."""
    return replace(report, severity=Severity.WARNING) if report.severity is not Severity.INFO else report


def _changes(moment: Moment) -> Iterator[Tree]:
    return (command for _, command in moment.commands("AT_AlterColumnType"))


def _mostly_free(moment: Moment, command: Tree) -> bool:
    """Say whether a change from an unknown type is free in most cases."""
    column = definition(command)
    new = type_of(column.type_name)
    if column.HasField("raw_default") or new.array or new.schema:
        return False
    utc = moment.schema.timezone is not None and moment.schema.timezone.upper() in ("UTC", "GMT", "ETC/UTC")
    return (new.name in _MOSTLY_FREE and not new.modifiers) or (new.name in _ZONES and utc)
