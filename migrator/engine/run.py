"""Walks the steps of a plan forward or back. Its state is the ledger's, so it can be killed at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

from migrator.engine import archives, drift, preflight, restore
from migrator.engine.events import Emit, Notice, Paused, RunFinished, RunStarted, StepFinished, StepStarted
from migrator.engine.recorded import plan_of
from migrator.engine.refs import refs
from migrator.engine.requirements import apply_first
from migrator.engine.session import Session
from migrator.engine.steps import executor
from migrator.engine.steps.backfill import retry
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.errors import Interrupted, MigratorError, RefusedError, UnavailableError, WaitingError
from migrator.ledger.controls import Controls
from migrator.ledger.ledger import Run, StepRow
from migrator.plan import Phase, Plan, fingerprint, plan_document
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.connect import connection_lost, is_lost

PHASES = ("start", *Phase)
Way = Callable[[Session, list[StepRow], str], None]


class ExpandFirstError(RefusedError):
    """The backfill cannot begin: steps before it are not done.

    `migrator backfill` runs backfill steps only. Run the others with `migrator apply`.
    """

    code = "MG327"


class ServerTroubleError(UnavailableError):
    """The server reported trouble of its own: a full disk, no memory, too many connections, missing rights.

    Everything up to the last checkpoint is committed and nothing behind it. The notes have PostgreSQL's SQLSTATE. Mend
    the cause and run the same command again.
    """

    code = "MG206"


def apply(target: Target, plan: Plan, *, to: Phase | None, emit: Emit, stop: Stop, accept_drift: bool = False) -> str:
    """Run `plan` up to and with the phase `to`, or go on where it stopped; return the state it came to rest in.

    Raises:
        DatabaseHeldError, PlanChangedError, DriftError, what preflight refuses, what a step raises.
    """
    apply_first(target, plan, lambda required: apply(target, required, to=None, emit=emit, stop=stop))
    with Session(target, plan, emit, stop) as session:
        session.accept_drift = accept_drift
        return _walk(session, _resume(session), "forward", to or Phase.CONTRACT, _forward)


def backfill(
    target: Target,
    plan: Plan,
    *,
    emit: Emit,
    stop: Stop,
    workers: int | None = None,
    engine: str = "local",
    accept_drift: bool = False,
) -> str:
    """Run, or go on with, the backfill steps of `plan` that are next; return the state it came to rest in.

    `workers` goes before what the plan says, for the rest of the run, as `migrator set` does. `engine` is ``local``
    or ``celery``.

    Raises:
        ExpandFirstError, and as `apply`.
    """
    with Session(target, plan, emit, stop) as session:
        session.engine, session.accept_drift = engine, accept_drift
        run = _resume(session)
        if workers:
            Controls(target.asking, run.id).set({"workers": workers})
        return _walk(session, run, "forward", Phase.MIGRATE, _backfill)


def retry_failed(target: Target, plan: Plan, *, emit: Emit, stop: Stop) -> str:
    """Take up the rows that the backfill steps of `plan` have set aside; return the state of its run.

    Raises:
        RowRefusedError: the database refuses one again.
    """
    run = target.ledger.open_run(plan.plan)
    if run is None:
        return "not started"
    with Session(target, plan, emit, stop) as session:
        session.run = run
        for (ref, step), row in zip(refs(plan), session.ledger.steps(run.id), strict=False):
            if isinstance(step, Backfill):
                session.current = (ref, row)
                try:
                    through = retry(session, step, row)
                except psycopg.Error as error:
                    raise translated(error) from error
                session.emit(Notice(step=ref, text=f"{through:,} rows are through that had been set aside"))
    return run.state


def rollback(target: Target, plan: Plan, *, to: str, emit: Emit, stop: Stop, accept_drift: bool = False) -> str:
    """Undo the steps behind the phase `to`, last first, as the run was begun; return the state it came to rest in.

    Raises:
        DatabaseHeldError, DriftError, IrreversibleError, what a step raises.
    """
    found = target.ledger.open_run(plan.plan)
    if found is None:
        return "rolled back"
    with Session(target, plan_of(found, plan), emit, stop) as session:
        session.accept_drift = accept_drift
        preflight.check_undo(session, found, to)
        return _walk(session, found, "back", to, _back)


def _resume(session: Session) -> Run:
    plan, ledger = session.plan, session.ledger
    run = ledger.open_run(plan.plan)
    if run is not None:
        preflight.check_same_meaning(run, plan)
        return run
    sending = preflight.check_new_run(session)
    document = plan_document(plan)
    steps = [(ref.phase, ref.kind, ref.title) for ref, _ in refs(plan)]
    with ledger.connection.transaction():
        run = ledger.create_run(plan.plan, fingerprint(document), document, steps)
        drift.begin(session, run.id, sending)
    return run


def _walk(session: Session, run: Run, direction: str, to: str, way: Way) -> str:
    started = time.monotonic()
    Controls(session.target.asking, run.id).cancel(None)
    session.run = run
    rows = session.ledger.steps(run.id)
    session.ledger.set_run(run.id, "running", direction=direction)
    done, resumed = sum(row.state == "done" for row in rows), any(row.attempts for row in rows)
    session.emit(
        RunStarted(
            plan=run.plan,
            run=run.id,
            direction=direction,
            to=to,
            steps_done=done,
            steps_total=len(rows),
            resumed=resumed,
        )
    )
    state = _rest(session, run, direction, lambda: way(session, rows, to))
    session.current = None
    session.ledger.set_run(run.id, state)
    phase, seconds = _phase(session, run), time.monotonic() - started
    session.emit(RunFinished(plan=run.plan, run=run.id, state=state, phase=phase, seconds=seconds))
    return state


def _rest(session: Session, run: Run, direction: str, work: Callable[[], None]) -> str:
    """Return the state in which `work` leaves the run, whether it ends, waits or is stopped; note why it fails."""
    try:
        work()
    except WaitingError:
        assert session.current
        session.ledger.reset_step(session.current[1].id)
        return "waiting"
    except Interrupted:
        return "stopped"
    except MigratorError as error:
        _note_failure(session, run, error)
        raise
    except psycopg.Error as error:
        trouble = translated(error)
        if not is_lost(error):
            _note_failure(session, run, trouble)
        raise trouble from error
    return _state(session, run, direction)


def translated(error: psycopg.Error) -> UnavailableError:
    """Return what to say of an error of the server that no step knows."""
    if is_lost(error):
        return connection_lost(error)
    return ServerTroubleError(
        f"the server could not go on: {error.diag.message_primary or error}",
        notes=[f"SQLSTATE {error.sqlstate}", "what was committed is in the ledger; the rest was rolled back"],
        help="when that is mended, run the same command again; it goes on where this one stopped",
    )


def _note_failure(session: Session, run: Run, error: MigratorError) -> None:
    try:
        if session.current:
            session.ledger.fail_step(session.current[1].id, error.message)
        session.ledger.set_run(run.id, "failed", error=f"{error.code}: {error.message}")
    except psycopg.Error:
        pass  # the server is gone: the ledger still says "running", and the next run finds out


def _state(session: Session, run: Run, direction: str) -> str:
    states = [row.state for row in session.ledger.steps(run.id)]
    if all(state == "done" for state in states):
        return "complete"
    if direction == "back" and all(state == "pending" for state in states):
        return "rolled back"
    return "in progress"


def _phase(session: Session, run: Run) -> str:
    """Return the phase of the first step that is not done, or contract where all are."""
    return next((row.phase for row in session.ledger.steps(run.id) if row.state != "done"), str(Phase.CONTRACT))


def _forward(session: Session, rows: list[StepRow], to: str) -> None:
    # A rollback may have died before the old shape, which its step has brought back, was whole again.
    restore.dual_writes(session)
    stays = PHASES.index(to) < PHASES.index(Phase.CONTRACT)
    (archives.put_back if stays else archives.forget_copies)(session)
    for position, row in enumerate(rows):
        if PHASES.index(row.phase) > PHASES.index(to):
            return
        if row.state == "undoing":
            _carry_out(session, position, row, undo=True)
            archives.forget_copies(session)
        if row.state != "done":
            _carry_out(session, position, row, undo=False)
    if session.plan.contract:
        restore.end_dual_writes(session)


def _backfill(session: Session, rows: list[StepRow], _to: str) -> None:
    ran = False
    for position, row in enumerate(rows):
        if row.kind == "backfill" and row.state != "done":
            _carry_out(session, position, row, undo=False)
            ran = True
        elif row.state != "done":
            # Another step is next, perhaps a gate: nothing behind it may be done before it.
            if not ran and any(later.kind == "backfill" and later.state != "done" for later in rows[position:]):
                raise ExpandFirstError(
                    f"a step before the backfill is not done: {row.phase}, {row.title}",
                    help=f"run it: migrator apply {session.plan.plan} --to {row.phase}",
                )
            return


def _back(session: Session, rows: list[StepRow], to: str) -> None:
    drift.check(session, rows)
    for phase in reversed(Phase):
        if PHASES.index(phase) <= PHASES.index(to):
            return
        for position, row in reversed(list(enumerate(rows))):
            if row.phase == phase and row.state != "pending":
                _bring_back(session)
                _carry_out(session, position, row, undo=True)
        _bring_back(session)
        restore.require_dual_writes(session)


def _bring_back(session: Session) -> None:
    """Put back what belongs to the old shape, as far as that has returned: first what fills it."""
    restore.dual_writes(session)
    archives.put_back(session)


def _carry_out(session: Session, position: int, row: StepRow, *, undo: bool) -> None:
    assert session.run
    ref, step = refs(session.plan)[position]
    session.current = (ref, row)
    session.stand_still(lambda reason: session.emit(Paused(step=ref, plan=session.plan.plan, reason=reason)))
    if not undo:
        drift.check(session, session.ledger.steps(session.run.id))
    attempt = session.ledger.start_step(row.id, "undoing" if undo else "running")
    session.emit(StepStarted(step=ref, attempt=attempt, undo=undo))
    started = time.monotonic()
    carry = executor(row.kind).undo if undo else executor(row.kind).run
    detail = carry(session, step, row)
    session.ledger.finish_step(row.id, "pending" if undo else "done", detail)
    session.emit(StepFinished(step=ref, seconds=time.monotonic() - started, detail=detail, undo=undo))
