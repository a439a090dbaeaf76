"""What must be true before a run begins, goes on or is undone. Everything is looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.backfill.moves import kind_of
from migrator.engine.archives.rows import CascadeError, refuse_cascade
from migrator.engine.losses import DataLossError, data_loss, unkept
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.engine.shapes import bad_expressions, misfits
from migrator.engine.target import Target
from migrator.engine.throttling import bad_throttle
from migrator.errors import AnswerIsNo, Location, MigratorError, RefusedError
from migrator.ledger.journal import half_applied
from migrator.ledger.ledger import Run
from migrator.plan import Phase, Plan, differences, fingerprint, plan_document
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.revision import Revision
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.revisions.accepted import Accepted
from migrator.revisions.downgrade import why_no_downgrade
from migrator.revisions.errors import OutOfOrderError, StatementRefusedError
from migrator.revisions.refusals import refused
from migrator.sql.online.form import Refusal

if TYPE_CHECKING:
    from migrator.revisions.recorder import Recorded


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


class IrreversibleError(AnswerIsNo):
    """The rollback would have to undo a step that cannot be undone.

    Everything behind it can be: give `--to` the phase that the step is in.
    """

    code = "MG402"


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


def check_new_run(session: Session) -> list[Recorded]:
    """Refuse a plan that could not be carried out to its end, or not be undone; all that is wrong at once.

    Returns:
        What its revisions are going to send.

    Raises:
        The first problem, with the others in `others`.
    """
    sending: list[Recorded] = []
    found = list(problems(session.target, session.plan, sending))
    if found:
        raise together(found)
    return sending


def problems(target: Target, plan: Plan, sending: list[Recorded] | None = None) -> Iterator[MigratorError]:
    """Yield what would make `apply` refuse to begin `plan`; add what its revisions are going to send to `sending`."""
    revisions = [step for _, _, step in plan.steps() if isinstance(step, Revision)]
    throttled = any(isinstance(step, Backfill | Verify) for _, _, step in plan.steps())
    broken: list[MigratorError] = [*(bad_throttle(target.settings) if throttled else ())]
    broken += [*bad_expressions(plan), *_history(target, revisions)]
    yield from broken
    if broken:
        return
    from migrator.revisions.recorder import record  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second
    from migrator.revisions.runner import heads_of  # noqa: PLC0415 - as above

    applied = target.project.ancestors(heads_of(target.project, target.url))
    pending = [step for step in revisions if target.project.script(step.revision).revision not in applied]
    recorded = {
        step.revision: one
        for step, one in zip(
            pending,
            record(target.project, target.url, [step.revision for step in pending], allow=target.settings.allow),
            strict=True,
        )
    }
    if sending is not None:
        sending += recorded.values()
    yield from _losses(pending, recorded)
    yield from _stalls(pending, recorded)
    yield from _overwrites(target, plan)
    yield from misfits(target, plan, recorded.values())


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
    from migrator.revisions.runner import heads_of  # noqa: PLC0415 - as above

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
        written = Accepted(str(script.module.__file__), target.settings.allow)
        if reason and not (step.irreversible or written.anywhere("missing-downgrade")):
            yield NoDowngradeError(
                f"revision {step.revision} cannot be undone: {reason}",
                where=step.location,
                notes=["nothing was changed"],
                help=f"write the downgrade of {Path(script.path).name}, or add to the step: irreversible: the reason",
            )


def _losses(pending: list[Revision], recorded: dict[str, Recorded]) -> Iterator[MigratorError]:
    for step in pending:
        lost = unkept(step, ((sent.effect, sent.accepted) for sent in recorded[step.revision].sent))
        if lost and not step.irreversible:
            yield data_loss(step, lost)


def _stalls(pending: list[Revision], recorded: dict[str, Recorded]) -> Iterator[MigratorError]:
    for step in pending:
        for sent in recorded[step.revision].sent:
            # What only a lack of knowledge forbids is judged when it runs: an earlier step may make it safe.
            if isinstance(sent.form, Refusal) and sent.form.certain:
                error = refused(sent.statement, sent.form)
                yield StatementRefusedError(error.message, where=step.location, notes=error.notes, help=error.help)


def _overwrites(target: Target, plan: Plan) -> Iterator[MigratorError]:
    def look(name: str) -> Table | None:
        try:
            return find_table(target.asking, name)
        except UnknownTableError:  # a revision makes it: it has nothing to lose
            return None

    for phase, _, step in plan.steps():
        if not isinstance(step, Backfill) or step.irreversible or phase == Phase.CONTRACT:
            continue
        table = look(step.table)
        if step.archive and table:
            try:
                refuse_cascade(target.asking, step, table)
            except CascadeError as error:
                yield error
        for loss in kind_of(step).losses(step, look):
            yield DataLossError(
                f"the backfill {loss}",
                where=step.location,
                notes=["a rollback could not bring that back", "nothing was changed"],
                help="add to the step why that is acceptable: irreversible: the reason"
                + (f"; or keep the rows: archive: [{step.table}]" if step.delete else ""),
            )


def check_undo(session: Session, run: Run, to: str) -> None:
    """Refuse a rollback that would come to a revision without a downgrade; nothing is undone then.

    Raises:
        IrreversibleError
    """
    order = ("start", *Phase)
    rows = session.ledger.steps(run.id)
    half = half_applied(session.target.asking.cursor(), None, "upgrade")
    applied = session.target.project.ancestors([*session.runner.version().heads, *half])
    for row, (ref, step) in zip(rows, refs(session.plan), strict=True):
        touched = row.state != "pending" and order.index(ref.phase) > order.index(to)
        if touched and isinstance(step, Revision):
            script = session.target.project.script(step.revision, step.location)
            reason = why_no_downgrade(script) if script.revision in applied else ""
            if reason:
                raise IrreversibleError(
                    f"revision {step.revision} cannot be undone: {reason}",
                    where=step.location,
                    notes=["nothing was undone"],
                    help=f"undo only what is behind it: migrator rollback {run.plan} --to {ref.phase}",
                )


def together(found: Sequence[MigratorError]) -> MigratorError:
    """Return the first of several problems with the others in `others`; one that repeats itself is told once."""
    told: dict[str, MigratorError] = {}
    for problem in found:
        first = told.setdefault(problem.message, problem)
        if problem.where and problem.where != first.where:
            again = f"the same at {problem.where.path.name}:{problem.where.line}, {problem.where.context}"
            first.notes = tuple(dict.fromkeys((*first.notes, again)))
    first, *others = told.values()
    first.others = tuple(others)
    return first
