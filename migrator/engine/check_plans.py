"""Plans as `migrator check` judges them: with the revisions that they run; not the rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from migrator.check.finding import Place
from migrator.check.gate import Gate
from migrator.check.history import Deletion, History, PlanCase, RecordedRevision, StepOfPlan
from migrator.check.losses import Loss, LossWatch
from migrator.check.source import Piece
from migrator.engine.check_backfills import statement_of
from migrator.engine.check_files import Asked
from migrator.errors import MigratorError
from migrator.plan import Phase, Plan, Step, load_all, load_plan
from migrator.plan.errors import PlanError
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.revision import Revision
from migrator.plan_files import plan_files
from migrator.settings import Settings
from migrator.sql.classify import classify
from migrator.sql.names import name_of


def plans_for(gate: Gate, found: Asked, settings: Settings) -> Iterator[Plan]:
    """Yield the plans that were asked for, reporting those with errors, and the others, which accept losses."""
    from migrator.engine.shapes import bad_expressions  # noqa: PLC0415 - see above

    asked = {path.resolve() for path in found.plans}
    others = (
        [path for path in plan_files(settings.plans) if path.resolve() not in asked] if settings.plans.is_dir() else []
    )
    for path in [*found.plans, *others]:
        try:
            plan = load_plan(path)
        except PlanError as error:
            for one in (error, *error.others) if path in found.plans else ():
                gate.add_unreadable(_place(one, path), one.message)
            continue
        for problem in bad_expressions(plan) if path in found.plans else ():
            gate.add_unreadable(_place(problem, path), problem.message)
        yield plan
    if found.plans and found.revisions is None:
        try:
            load_all(settings.plans)
        except PlanError as error:
            reported = {finding.message for finding in gate.findings}
            for one in (error, *error.others):
                if one.message not in reported:
                    gate.add_unreadable(_place(one, settings.plans), one.message)


def _place(error: MigratorError, path: Path) -> Place:
    where = error.where
    return Place(_shown(where.path), where.line, where.column, where.excerpt) if where else Place(_shown(path))


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def revisions_of(plans: Sequence[Plan], asked: set[Path]) -> frozenset[str]:
    """Return the revisions that the plans which were asked for run."""
    return frozenset(
        step.revision
        for plan in plans
        if plan.path.resolve() in asked
        for _, _, step in plan.steps()
        if isinstance(step, Revision)
    )


def judge_plans(gate: Gate, plans: list[Plan], history: History, asked: set[str]) -> None:
    by_id = {one.revision: one for one in history.revisions}
    for plan in plans:
        case = _case(plan, by_id, tuple(by_id))
        if str(plan.path.resolve()) in asked:
            gate.add_plan(case)
        else:
            gate.accept_losses(case)


def _case(plan: Plan, by_id: dict[str, RecordedRevision], order: tuple[str, ...]) -> PlanCase:
    steps: list[StepOfPlan] = []
    kinds: dict[str, tuple[str, ...]] = {}
    deletions: list[Deletion] = []
    backfills: list[tuple[str, Piece]] = []
    for phase, _, step in plan.steps():
        kinds[phase] = (*kinds.get(phase, ()), step.kind)
        if isinstance(step, Backfill) and (statement := statement_of(step)):
            if statement.kind == "delete_stmt":
                table = str(name_of(statement.tree.relation))
                deletions.append(Deletion(table, _location(step), step.irreversible or "", bool(step.archive)))
            if steps:
                backfills.append((steps[-1].revision, Piece(statement, _location(step))))
        if isinstance(step, Revision):
            full = next((one for one in by_id if one.startswith(step.revision)), step.revision)
            losses = _losses(by_id[full]) if full in by_id else ()
            steps.append(
                StepOfPlan(full, str(phase), _location(step), step.irreversible or "", tuple(step.archive), losses)
            )
    before = {phase: found for phase, found in kinds.items() if phase != Phase.CONTRACT}
    if plan.requires:
        before["requires"] = ("gate",)
    where = plan.location
    place = Place(_shown(where.path), where.line, where.column)
    return PlanCase(plan.plan, place, tuple(steps), before, order, tuple(deletions), tuple(backfills))


def _losses(revision: RecordedRevision) -> tuple[Loss, ...]:
    watch = LossWatch()
    return tuple(loss for piece in revision.upgrade.pieces for loss in watch.see(classify(piece.statement)))


def _location(step: Step) -> Place:
    where = step.location
    return Place(_shown(where.path), where.line, where.column, where.excerpt)
