"""A plan must not remove the old shape before the new one is filled and in use.

What it does
------------
Reports data loss outside the contract phase, a contract phase without a gate or verify before it, and revisions in
another order than the history has them.

Why it is bad
-------------
Readers and writers of the old shape fail, and rows that were not copied are gone.

What to do instead
------------------
Move the step to contract, and put a `verify` and a `gate` at the end of migrate.

When it does not apply
----------------------
Plans whose contract removes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from migrator.check.examples import plan
from migrator.check.finding import Hazard
from migrator.check.history import PlanCase
from migrator.check.losses import Loss
from migrator.check.rule import Report
from migrator.sql.names import Name

_C = Loss("column", Name("t"), "c")

HAZARD = Hazard.BREAKS
BAD = (plan(("expand", "a", {"losses": (_C,), "irreversible": "x"})),
       plan(("contract", "a", {"losses": (_C,), "irreversible": "x"})),
       plan(("expand", "b", {}), ("migrate", "a", {}), order=("a", "b")))  # fmt: skip
GOOD = (
    plan(("expand", "a", {}), ("contract", "b", {"losses": (_C,)}), migrate=("backfill", "gate")),
    plan(("expand", "a", {})),
    plan(("expand", "a", {}), ("migrate", "b", {}), order=("a", "b")),
)
_ASSURES = frozenset({"gate", "verify"})


def find_in_plan(case: PlanCase) -> Iterator[Report]:
    """Yield each step that comes too early."""
    assured = _ASSURES & {kind for kinds in case.kinds.values() for kind in kinds}
    for step in case.steps:
        lost = ", ".join(map(str, step.losses))
        if lost and step.phase != "contract":
            yield Report(
                f"revision {step.revision} removes {lost} in {step.phase}, while it is in use",
                "move the step to contract",
                place=step.place,
            )
        elif lost and not assured:
            yield Report(
                f"revision {step.revision} removes {lost}, and nothing before it makes sure that "
                "nobody uses it any more",
                "migrate:\n  - gate: the release that does not use it is live everywhere",
                place=step.place,
            )
    places = {revision: number for number, revision in enumerate(case.order)}
    known = [step for step in case.steps if step.revision in places]
    for before, after in pairwise(known):
        if places[after.revision] < places[before.revision]:
            yield Report(
                f"revision {after.revision} comes before {before.revision} in the history, and after it in the plan",
                f"put revision {after.revision} before {before.revision}",
                place=after.place,
            )
