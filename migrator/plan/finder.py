"""Responsible for finding plan files by what people call them, and all of a folder; not for reading one of them."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from migrator.plan.document import read_document
from migrator.plan.errors import AmbiguousPlanError, PlanConflictError, PlanError, PlanNotFoundError
from migrator.plan.loader import load_plan
from migrator.plan.model import Plan
from migrator.plan.source import read_source
from migrator.plan_files import PLAN_SUFFIXES, plan_files
from migrator.spelling import suggestion


def find_plan(name_or_path: str, plans_dir: Path) -> Path:
    """Return the plan file that is meant by a path, a file name, a number such as 0002, or the name of a plan.

    Raises:
        PlanNotFoundError: there is none.
        AmbiguousPlanError: there are several.
    """
    for path in (Path(name_or_path), plans_dir / name_or_path):
        if path.suffix in PLAN_SUFFIXES and _exists(path):
            return path
    found = [path for path in plan_files(plans_dir) if name_or_path in _names(path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousPlanError(
            f"{name_or_path} may be any of {len(found)} plans",
            notes=[str(path) for path in found],
            help="use the path of the one that is meant",
        )
    named = {path: _plan_key(path) for path in plan_files(plans_dir)}
    known = {one for path, name in named.items() for one in (path.name, name) if one}
    raise PlanNotFoundError(
        f"there is no plan {name_or_path} in {plans_dir}",
        notes=[f"the name in {path.name} could not be read" for path, name in named.items() if name is None],
        help=suggestion(name_or_path, known, "plans"),
    )


def load_all(plans_dir: Path) -> list[Plan]:
    """Read every plan of a folder, in the order of their file names.

    Raises:
        PlanNotFoundError: there is no such folder.
        PlanError: the first error of any file; `others` holds those of all files.
        PlanConflictError: the plans contradict each other.
    """
    if not _exists(plans_dir):
        raise PlanNotFoundError(
            f"there is no folder {plans_dir}", help="set plans in the settings to the folder that holds the plans"
        )
    plans: list[Plan] = []
    errors: list[PlanError] = []
    for path in plan_files(plans_dir):
        try:
            plans.append(load_plan(path))
        except PlanError as error:
            errors.append(error)
    # A plan that cannot be read may be the one that another requires.
    _raise_all(errors)
    _raise_all(_conflicts(plans))
    return plans


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _names(path: Path) -> set[str]:
    number = path.stem.partition("_")[0].partition("-")[0]
    names = {path.name, path.stem, number if number.isdecimal() else path.stem}
    return names | ({key} if (key := _plan_key(path)) else set())


def _plan_key(path: Path) -> str | None:
    """Return the name of a plan that may have any number of errors elsewhere."""
    try:
        root = read_document(read_source(path)).root
    except PlanError:
        return None
    name = root.get("plan") if isinstance(root, dict) else None
    return name if isinstance(name, str) else None


def _raise_all(errors: list[PlanError]) -> None:
    if errors:
        first, *rest = errors
        first.others = (*first.others, *(one for error in rest for one in (error, *error.others)))
        raise first


def _conflicts(plans: list[Plan]) -> list[PlanError]:
    errors: list[PlanError] = []
    by_name: dict[str, Plan] = {}
    for plan in plans:
        first = by_name.setdefault(plan.plan, plan)
        if first is not plan:
            message = f"the name {plan.plan} is taken by {first.path}"
            errors.append(PlanConflictError(message, where=plan.location, help="give each plan its own name"))
    for plan in plans:
        for name in plan.requires:
            if name not in by_name:
                message = f"{plan.plan} requires {name}, which is no plan of this folder"
                others = by_name.keys() - {plan.plan}
                advice = suggestion(name, others, "plans") if others else "add that plan, or remove it from requires"
                errors.append(PlanConflictError(message, where=plan.location, help=advice))
    try:
        TopologicalSorter({plan.plan: plan.requires for plan in plans}).prepare()
    except CycleError as cycle:
        circle = " requires ".join(reversed(cycle.args[1]))
        where = by_name[cycle.args[1][0]].location
        errors.append(PlanConflictError(f"{circle}: none can be first", where=where, help="remove one of the requires"))
    return errors
