"""Revisions that build on one that does not exist, or on each other, cannot be applied.

What it does
------------
Reports revisions whose parent is missing, revisions in a circle, and revision files that cannot be imported.

Why it is bad
-------------
Alembic refuses to load the whole history, so no revision can be applied any more.

What to do instead
------------------
Correct `down_revision`, or bring the missing file back.

When it does not apply
----------------------
Every revision can be loaded and reached from the base.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import history
from migrator.check.finding import Hazard, Place
from migrator.check.history import History
from migrator.check.rule import Report

HAZARD = Hazard.FAILS
BAD = (history("a", missing="z"), history("a", circle=("a", "b")), history("a", failure="NameError: name 'x'"))
GOOD = (history("a"), history(), history("a", "b"))


def find_in_history(past: History) -> Iterator[Report]:
    """Yield what keeps the history from being loaded."""
    for one, parent in past.missing:
        message = f"revision {one.revision} builds on {parent}, which does not exist"
        yield Report(message, "correct down_revision", place=Place(one.path, revision=one.revision))
    by_id = {one.revision: one for one in past.revisions}
    for revision in past.circle:
        path = by_id[revision].path if revision in by_id else ""
        message = f"revision {revision} builds on itself: {', '.join(past.circle)} form a circle"
        yield Report(message, "correct down_revision", place=Place(path, revision=revision))
    for one in past.revisions:
        if one.failure:
            help_ = f"see it by itself: python {one.path}"
            yield Report(f"the file cannot be loaded: {one.failure}", help_, place=Place(one.path))
