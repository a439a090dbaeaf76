"""Part of a revision could not be examined.

What it does
------------
Reports a revision that raised an error on the recording connection, sent text that is not SQL, or went by rows that
it read from the database. Questions about the schema by SQLAlchemy's inspector, `checkfirst` and `autoload_with` are
answered from what the revisions before have made; where they do not tell, nothing is there, and that is reported too.
Text that is not SQL, a name that does not exist, a column of an enum that nothing has created, and a wrong value or
argument before any row was looked at are errors: they fail on any database.

Why it is bad
-------------
Statements that depend on what the database answers were not sent, so nobody looked at them.

What to do instead
------------------
Keep data changes out of schema revisions: a `backfill` step does them in chunks. Where it must be, try it with
`migrator upgrade --database-url embedded:DIR` and say so: `# migrator: allow unseen-statements because ...`.

When it does not apply
----------------------
Revisions that send the same whatever the database holds, and those that ask for what they then create themselves:
`if not inspector.has_table(...)`, then `create_table`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import case, example
from migrator.check.finding import Hazard, Severity
from migrator.check.history import RecordedRevision
from migrator.check.rule import Report

HAZARD = Hazard.OPERABILITY
SEVERITY = Severity.WARNING
BAD = (
    example([], [], unseen="TypeError: 'NoneType' object is not subscriptable", reads=True),
    example([], [], unseen="ValueError: month must be in 1..12", certain=True),
    example([], [], reads=True),
    example([], [], unreadable="syntax error at or near SELEC"),
)
GOOD = (example([], []), case("CREATE TABLE a (b int)", "DROP TABLE a"), case("SELECT 1", ""))


def find_in_revision(revision: RecordedRevision) -> Iterator[Report]:
    """Yield what is not known of either direction."""
    for name, direction in (("upgrade", revision.upgrade), ("downgrade", revision.downgrade)):
        for place, message in direction.unreadable:
            said = f"{name} sends what PostgreSQL cannot read: {message}"
            yield Report(said, "correct the SQL", Severity.ERROR, place=place)
        if direction.certain:
            said = f"{name} fails: {direction.unseen}"
            yield Report(said, f"correct the {name}: it fails on any database", Severity.ERROR, place=direction.place)
        elif direction.unseen:
            yield Report(f"{name} could not be followed to its end: {direction.unseen}", place=direction.place)
        elif direction.reads:
            yield Report(f"{name} reads rows: statements that depend on them were not seen", place=direction.place)
