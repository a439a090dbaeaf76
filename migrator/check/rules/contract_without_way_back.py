"""A plan that loses data has to keep it, or say why it need not.

What it does
------------
Reports a revision step whose upgrade drops columns or tables, or truncates, without `archive` of what is lost and
without `irreversible`.

Why it is bad
-------------
`apply` refuses the step, and `rollback` would have nothing to bring back.

What to do instead
------------------
    contract:
      - revision: 9b7d22e0c415
        archive: [products.legacy_tags]

When it does not apply
----------------------
Steps with `irreversible: why`, and with an archive of all that is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import plan
from migrator.check.finding import Hazard
from migrator.check.history import PlanCase
from migrator.check.rule import Report

HAZARD = Hazard.IRREVERSIBLE
BAD = (plan(("contract", "a", {"losses": ("t.c",)})), plan(("expand", "a", {"losses": ("t",)})),
       plan(("contract", "a", {"losses": ("t.c", "t.d"), "archive": ("t.c",)})))  # fmt: skip
GOOD = (
    plan(("contract", "a", {"losses": ("t.c",), "archive": ("t.c",)})),
    plan(("contract", "a", {"losses": ("t.c",), "irreversible": "nobody used it"})),
    plan(("expand", "a", {})),
)


def find_in_plan(case: PlanCase) -> Iterator[Report]:
    """Yield each step that loses what nothing keeps."""
    for step in case.steps:
        lost = [one for one in step.losses if one not in step.archive]
        if lost and not step.irreversible:
            yield Report(
                f"revision {step.revision} loses {', '.join(lost)}, and the plan does not keep it",
                f"- revision: {step.revision}\n  archive: [{', '.join(lost)}]",
                place=step.place,
            )
