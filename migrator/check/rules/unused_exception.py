"""An exception that matches nothing hides the next mistake.

What it does
------------
Reports `migrator: allow` comments and settings that no finding matches, and those without a reason.

Why it is bad
-------------
Whoever reads it believes that something dangerous was accepted; and the next dangerous change there is accepted
unseen.

What to do instead
------------------
Remove it, or write the reason: `-- migrator: allow drop-column because nobody reads it`.

When it does not apply
----------------------
Exceptions that match a finding, with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.exceptions import exceptions_in
from migrator.check.finding import Hazard
from migrator.check.rule import Report

HAZARD = Hazard.STYLE
BAD = ("-- migrator: allow drop-table", "-- migrator: allow drop-table because", "-- migrator: allow nothing because x")
GOOD = ("-- migrator: allow drop-table because nobody reads it", "-- allow me", "SELECT 1;")


def find_in_comment(text: str) -> Iterator[Report]:
    """Yield why a comment is no exception."""
    for exception in exceptions_in(text, "x.sql"):
        if problem := exception.problem:
            yield Report(problem, "-- migrator: allow RULE because REASON")
