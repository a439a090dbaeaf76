"""A history with several heads has no one newest schema.

What it does
------------
Reports revisions that nothing builds on, where there is more than one.

Why it is bad
-------------
`upgrade head` fails, and which order two databases got them in is chance.

What to do instead
------------------
    alembic merge heads

When it does not apply
----------------------
Histories with one head, and branches that `branch_labels` keeps apart on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import history
from migrator.check.finding import Hazard, Place
from migrator.check.history import History
from migrator.check.rule import Report

HAZARD = Hazard.OPERABILITY
BAD = (history("a", "b"), history("a", "b", "c"), history("a1", "a2"))
GOOD = (history("a"), history(), history("b"))


def find_in_history(past: History) -> Iterator[Report]:
    """Yield the heads, on the file of the last."""
    if len(past.heads) > 1:
        last = next((one for one in past.revisions if one.revision == past.heads[-1]), None)
        yield Report(
            f"the history has {len(past.heads)} heads: {', '.join(past.heads)}",
            "alembic merge heads",
            place=Place(last.path, revision=last.revision) if last else None,
        )
