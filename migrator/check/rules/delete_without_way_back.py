"""A backfill that deletes rows has to keep them, or say why it need not.

What it does
------------
Reports a backfill step that deletes rows, by `delete` or by a DELETE in `sql`, without `archive` and without
`irreversible`.

Why it is bad
-------------
`apply` refuses the step, and `rollback` would have nothing to bring back.

What to do instead
------------------
    migrate:
      - backfill:
          table: sessions
          delete: true
          where: ended_at < '2020-01-01'
          archive: [sessions]

When it does not apply
----------------------
Steps with `irreversible: why`, and those whose rows go into an archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import plan_that_deletes
from migrator.check.finding import Hazard
from migrator.check.history import PlanCase
from migrator.check.rule import Report

HAZARD = Hazard.IRREVERSIBLE
BAD = (
    plan_that_deletes(("t", {})),
    plan_that_deletes(("t", {"archived": True}), ("u", {})),
    plan_that_deletes(("t", {"irreversible": "nobody reads them"}), ("shop.t", {})),
)
GOOD = (
    plan_that_deletes(("t", {"archived": True})),
    plan_that_deletes(("t", {"irreversible": "nobody reads them"})),
    plan_that_deletes(),
)


def find_in_plan(case: PlanCase) -> Iterator[Report]:
    """Yield each step that deletes what nothing keeps."""
    for step in case.deletions:
        if not step.archived and not step.irreversible:
            yield Report(
                f"the backfill deletes rows of {step.table}, and the plan does not keep them",
                f"archive: [{step.table}]",
                place=step.place,
            )
