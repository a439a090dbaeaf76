"""A plan that loses data has to keep it, or say why it need not.

What it does
------------
Reports a revision step whose upgrade drops columns, tables, types or schemas, or truncates, without `archive` of what
is lost and without `irreversible`. An archive keeps what is dropped, not what is truncated.

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
from migrator.check.losses import ALL_ROWS, KEPT, Loss
from migrator.check.rule import Report
from migrator.sql.names import Name

_T, _C, _D = Loss("table", Name("t")), Loss("column", Name("t"), "c"), Loss("column", Name("t"), "d")

HAZARD = Hazard.IRREVERSIBLE
BAD = (plan(("contract", "a", {"losses": (_C,)})), plan(("expand", "a", {"losses": (_T,)})),
       plan(("contract", "a", {"losses": (_C, _D), "archive": ("t.c",)})))  # fmt: skip
GOOD = (
    plan(("contract", "a", {"losses": (_C,), "archive": ("public.t.c",)})),
    plan(("contract", "a", {"losses": (_C,), "irreversible": "nobody used it"})),
    plan(("expand", "a", {})),
)


def find_in_plan(case: PlanCase) -> Iterator[Report]:
    """Yield each step that loses what nothing keeps."""
    for step in case.steps:
        lost = [one for one in step.losses if not one.kept_by(step.archive)]
        if lost and not step.irreversible:
            kept = [one.entry for one in lost if one.kind in KEPT]
            emptied = [one.entry for one in lost if one.kind == ALL_ROWS]
            safer = [f"- revision: {step.revision}\n  archive: [{', '.join(kept)}]"] if kept else []
            safer += [
                f"- backfill: {{table: {one}, delete: true, where: 'true', archive: [{one}]}}  # instead of TRUNCATE"
                for one in emptied
            ]
            yield Report(
                f"revision {step.revision} loses {', '.join(map(str, lost))}, and the plan does not keep it",
                "\n".join(safer),
                place=step.place,
            )
