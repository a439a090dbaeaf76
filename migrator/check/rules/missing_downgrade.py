"""A revision without a working downgrade cannot be rolled back.

What it does
------------
Reports a revision whose `downgrade` is missing, empty, or raises an error, although `upgrade` changes something.

Why it is bad
-------------
When the release goes wrong there is no way back but a restored backup.

What to do instead
------------------
Write the statements that undo `upgrade`, in reverse order. Where data is really gone, say so in the plan:
`irreversible: the reason`.

When it does not apply
----------------------
`upgrade` sends nothing, and revisions that a plan runs with `irreversible` or `archive`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import example
from migrator.check.finding import Hazard, Place
from migrator.check.history import RecordedRevision
from migrator.check.rule import Report
from migrator.check.source import Piece
from migrator.sql.statement import parse_one

HAZARD = Hazard.IRREVERSIBLE
_UP = Piece(parse_one("CREATE TABLE a (b int)"), Place("x.py"))
BAD = (*(example([_UP], [], problem) for problem in ("it has no downgrade", "its downgrade is empty")),
       example([_UP], [], "its downgrade raises an error"))  # fmt: skip
GOOD = (
    example([_UP], [Piece(parse_one("DROP TABLE a"), Place("x.py"))]),
    example([], [], "its downgrade is empty"),
    example([], []),
)


def find_in_revision(revision: RecordedRevision) -> Iterator[Report]:
    """Yield why there is no way back."""
    if revision.downgrade.problem and (revision.upgrade.pieces or revision.upgrade.unseen):
        yield Report(
            f"revision {revision.revision} cannot be rolled back: {revision.downgrade.problem}",
            "write a downgrade that undoes the upgrade, or run it in a plan with irreversible: <the reason>",
            place=revision.downgrade.place,
        )
