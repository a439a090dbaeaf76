"""What must be true before a run begins, goes on or is undone. Everything is looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.engine.target import Target
from migrator.errors import AnswerIsNo, Location, MigratorError, RefusedError, UsageError
from migrator.ledger.ledger import Run
from migrator.plan import Phase, Plan, Step, differences, fingerprint, identifiers, plan_document
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.revision import Revision
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.revisions.errors import OutOfOrderError
from migrator.revisions.recorder import Recorded, record, why_no_downgrade
from migrator.revisions.runner import heads_of
from migrator.sql.effects import Effect
from migrator.sql.errors import ExpressionError
from migrator.sql.expression import parse_expression
from migrator.sql.names import split_name


class PlanChangedError(RefusedError):
    """The plan file means something else than when its run began.

    A run is resumed step by step, so its steps must stay what they were. Put the file back as it was and go on; or roll
    the run back, which goes by what the ledger recorded, and begin anew with the file as it is now.
    """

    code = "MG304"


class NoDowngradeError(RefusedError):
    """A revision of the plan could not be undone, because it has no downgrade that does anything.

    Write its `downgrade`. Where nothing can bring back what the revision loses, say so in the plan, with the reason:
    `irreversible: why this is acceptable`.
    """

    code = "MG330"


class DataLossError(RefusedError):
    """A step loses data, and the plan does not say that this is meant.

    Dropped columns and tables are gone, and overwritten values too. Say in the plan why that is acceptable:
    `irreversible: the reason` beside the step.
    """

    code = "MG331"


class UnknownColumnError(UsageError):
    """A plan names a column that is neither in the table nor added by a revision of the plan."""

    code = "MG162"


class IrreversibleError(AnswerIsNo):
    """The rollback would have to undo a step that cannot be undone.

    Everything behind it can be: give `--to` the phase that the step is in.
    """

    code = "MG402"


_LOSES = {"table": "table", "column": "column", "schema": "schema", "type": "type", "materialized view": "view"}


def check_same_meaning(run: Run, plan: Plan) -> None:
    """Refuse to go on with a run whose plan file changed meaning.

    Raises:
        PlanChangedError
    """
    document = plan_document(plan)
    if fingerprint(document) == run.fingerprint:
        return
    raise PlanChangedError(
        f"plan {plan.plan} changed since its run began on {run.started_at:%Y-%m-%d %H:%M}",
        where=Location(plan.path),
        notes=differences(run.document, document),
        help=f"put the file back as it was, or undo the run and begin anew: migrator rollback {plan.plan}",
    )


def check_new_run(session: Session) -> None:
    """Refuse a plan that could not be carried out to its end, or not be undone; all that is wrong at once.

    Raises:
        The first problem, with the others in `others`.
    """
    found = list(problems(session.target, session.plan))
    if found:
        raise _together(found)


def problems(target: Target, plan: Plan) -> Iterator[MigratorError]:
    """Yield what would make `apply` refuse to begin `plan`."""
    revisions = [step for _, _, step in plan.steps() if isinstance(step, Revision)]
    yield from _expressions(plan)
    broken = list(_history(target, revisions))
    yield from broken
    if broken:
        return
    applied = target.project.ancestors(heads_of(target.project, target.url))
    pending = [step for step in revisions if target.project.script(step.revision).revision not in applied]
    recorded = {
        step.revision: one
        for step, one in zip(
            pending, record(target.project, target.url, [step.revision for step in pending]), strict=True
        )
    }
    yield from _losses(pending, recorded)
    yield from _shapes(target, plan, recorded)


def _expressions(plan: Plan) -> Iterator[MigratorError]:
    for _, _, step in plan.steps():
        for expression in expressions_of(step):
            try:
                parse_expression(expression)
            except ExpressionError as error:
                yield ExpressionError(f"{error.message}: {expression}", column=error.column, where=step.location)
            except UsageError as error:
                yield type(error)(error.message, where=step.location, notes=error.notes, help=error.help)


def expressions_of(step: Step) -> Iterable[str]:
    """Return the SQL expressions that a step is made of."""
    if isinstance(step, DualWrite):
        return [*step.forward.values(), *(step.backward or {}).values()]
    if isinstance(step, Backfill):
        return [*step.set.values(), *([step.where] if step.where else [])]
    if isinstance(step, Verify):
        return [step.none, *([step.where] if step.where else [])]
    return []


def _history(target: Target, revisions: list[Revision]) -> Iterator[MigratorError]:
    if not revisions:
        return
    try:
        target.project.require_one_head(revisions[0].location)
        for step in revisions:
            target.project.script(step.revision, step.location)
    except MigratorError as error:
        yield error
        return
    known = set(target.project.ancestors(heads_of(target.project, target.url)))
    for step in revisions:
        script = target.project.script(step.revision)
        missing = target.project.ancestors([script.revision]) - known - {script.revision}
        if missing:
            yield OutOfOrderError(
                f"revision {step.revision} builds on revisions that are not applied and not in the plan before it",
                where=step.location,
                notes=[f"missing: {', '.join(sorted(missing))}"],
                help="apply the plans of those revisions first, or add them to this plan",
            )
        known.add(script.revision)
        reason = why_no_downgrade(script)
        if reason and not step.irreversible:
            yield NoDowngradeError(
                f"revision {step.revision} cannot be undone: {reason}",
                where=step.location,
                notes=["nothing was changed"],
                help=f"write the downgrade of {script.path}, or add to the step: irreversible: the reason",
            )


def _losses(pending: list[Revision], recorded: dict[str, Recorded]) -> Iterator[MigratorError]:
    for step in pending:
        one = recorded[step.revision]
        lost = [text for sent in one.sent for text in losses(sent.effect)]
        if lost and not step.irreversible:
            yield DataLossError(
                f"revision {step.revision} loses data: {', '.join(lost)}",
                where=step.location,
                notes=["nothing was changed"],
                help="add to the step why that is acceptable: irreversible: the reason",
            )


def losses(effect: Effect) -> list[str]:
    """Return what a statement takes away that nothing brings back, in words."""
    dropped = [
        f"{_LOSES[one.kind]} {one.name.quoted()}{f'.{one.member}' if one.member else ''}"
        for one in effect.drops
        if one.kind in _LOSES
    ]
    emptied = [f"all rows of {change.table.quoted()}" for change in effect.data_changes if change.verb == "TRUNCATE"]
    return dropped + emptied


def _shapes(target: Target, plan: Plan, recorded: dict[str, Recorded]) -> Iterator[MigratorError]:
    made_tables, made_columns = _made(recorded)
    for ref, step in refs(plan):
        for name, columns in _written(step):
            key = split_name(name).name
            table: Table | None = None
            try:
                table = find_table(target.asking, name, step.location)
            except UnknownTableError as error:
                if key not in made_tables:
                    yield error
                continue
            for column in columns:
                if not table.column(column) and (key, column) not in made_columns:
                    near = ", ".join(one.name for one in table.columns)
                    yield UnknownColumnError(
                        f"table {table} has no column {column}, and no revision of the plan adds it",
                        where=step.location,
                        help=f"its columns are: {near}",
                    )
            if isinstance(step, Backfill) and not step.into and not step.irreversible and ref.phase != Phase.CONTRACT:
                yield from _overwrites(step, table, columns)


def _overwrites(step: Backfill, table: Table, columns: list[str]) -> Iterator[MigratorError]:
    old = [column for column in columns if table.column(column)]
    if old:
        yield DataLossError(
            f"the backfill overwrites {', '.join(f'{table}.{column}' for column in old)}, which existed before the plan",
            where=step.location,
            notes=["a rollback could not bring the old values back", "nothing was changed"],
            help="add to the step why that is acceptable: irreversible: the reason",
        )


def _made(recorded: dict[str, Recorded]) -> tuple[set[str], set[tuple[str, str]]]:
    created = [made for one in recorded.values() for sent in one.sent for made in sent.effect.creates]
    columns = {(made.name.name, made.member) for made in created if made.kind == "column" and made.member}
    return {made.name.name for made in created if made.kind == "table"}, columns


def _written(step: Step) -> Iterator[tuple[str, list[str]]]:
    """Yield each table a step names, with the columns of it that the step writes."""
    if isinstance(step, DualWrite):
        forward = [identifiers(column)[-1] for column in step.forward]
        backward = [identifiers(column)[-1] for column in step.backward or {}]
        yield step.table, backward if step.into else [*forward, *backward]
        if step.into:
            yield step.into, [*forward, *(identifiers(column)[-1] for column in step.key or {})]
    elif isinstance(step, Backfill):
        columns = [identifiers(column)[-1] for column in step.set]
        yield step.table, [] if step.into else columns
        if step.into:
            yield step.into, columns
    elif isinstance(step, Verify):
        yield step.table, []


def check_undo(session: Session, run: Run, to: str) -> None:
    """Refuse a rollback that would come to a revision without a downgrade; nothing is undone then.

    Raises:
        IrreversibleError
    """
    order = ("start", *Phase)
    rows = session.ledger.steps(run.id)
    for row, (ref, step) in zip(rows, refs(session.plan), strict=True):
        touched = row.state != "pending" and order.index(ref.phase) > order.index(to)
        if touched and isinstance(step, Revision):
            reason = why_no_downgrade(session.target.project.script(step.revision, step.location))
            if reason:
                raise IrreversibleError(
                    f"revision {step.revision} cannot be undone: {reason}",
                    where=step.location,
                    notes=["nothing was undone"],
                    help=f"undo only what is behind it: migrator rollback {run.plan} --to {ref.phase}",
                )


def _together(found: list[MigratorError]) -> MigratorError:
    first, *others = found
    first.others = tuple(others)
    return first
