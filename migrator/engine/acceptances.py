"""Why plans accept what a revision takes away: what one plan says, and what any plan of the project says."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from migrator.plan import Plan, load_plan
from migrator.plan.errors import PlanError
from migrator.plan.steps.revision import Revision
from migrator.plan_files import plan_files


def acceptance(plan: Plan, revision: str) -> str:
    """Return why the plan accepts what a revision takes away: its reason, or the archive that keeps it."""
    for _, _, step in plan.steps():
        if isinstance(step, Revision) and revision.startswith(step.revision):
            return step.irreversible or ", ".join(step.archive)
    return ""


def any_acceptance(folder: Path, revision: str) -> str:
    """Return the same of the first plan in `folder` that has something to say."""
    for path in plan_files(folder) if folder.is_dir() else ():
        with suppress(PlanError):  # what is wrong with a plan is told where the plan is asked for
            if reason := acceptance(load_plan(path), revision):
                return reason
    return ""
