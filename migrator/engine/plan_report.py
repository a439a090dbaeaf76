"""What a plan would do, found out without doing it: every step, every statement, its lock and its form."""

from __future__ import annotations

from migrator.engine.chunk_shown import chunk_shown, consequences, move_of
from migrator.engine.drift import differing
from migrator.engine.events import StepRef
from migrator.engine.lasting import what_lasts
from migrator.engine.preflight import problems, together
from migrator.engine.refs import refs
from migrator.engine.reports import PlanReport, StatementReport, StepReport
from migrator.engine.requirements import incomplete
from migrator.engine.session import choose_plain
from migrator.engine.status import status
from migrator.engine.target import Target
from migrator.errors import MigratorError, UsageError
from migrator.plan import Plan, Step
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.revision import Revision
from migrator.plan.steps.verify import Verify
from migrator.postgres.activity import lock_holders
from migrator.postgres.blockers import Blocker
from migrator.postgres.tables import UnknownTableError, find_table
from migrator.revisions.recorder import Recorded, Sent, record
from migrator.sql.effects import Lock
from migrator.sql.locks import LockMode
from migrator.sql.online.form import Refusal

LONG_TRANSACTION = 1.0  # seconds: a younger one is gone before anybody waits for it
BACKFILL_RATE, VERIFY_RATE = 60_000, 1_000_000  # rows per second; benchmarks/ has what was measured


def report(target: Target, plan: Plan) -> PlanReport:
    """Return what `apply` would do now.

    Raises:
        The first of the plan's mistakes that make it unusable: unknown revisions, tables, columns, bad expressions.
    """
    choose_plain(target, plan)
    required = incomplete(target, plan)
    run = target.ledger.open_run(plan.plan) if target.has_ledger else None
    begun = run is not None
    drifted = differing(target, run.id) if run and run.state != "complete" else []
    # Once a run has begun, half of its shapes are there and half are gone: each step looks for itself.
    found = [] if required or begun else list(problems(target, plan))
    if unusable := [problem for problem in found if isinstance(problem, UsageError)]:
        raise together(unusable)
    states = status(target, [plan]).runs[0].steps
    pending = {state.title for state in states if state.state != "done"}
    recorded = {} if required else _recorded(target, plan, pending)
    steps = tuple(
        _step(target, (ref, step), state.state, recorded.get(ref.title))
        for (ref, step), state in zip(refs(plan), states, strict=True)
    )
    waiting = [f"{plan.plan} requires {one.plan}, which is not complete" for one in required]
    return PlanReport(
        plan=plan.plan,
        summary=plan.summary or "",
        path=str(plan.path),
        database=target.shown,
        server_version=target.server_version,
        steps=steps,
        pending=sum(step.state != "done" for step in states),
        requires=plan.requires,
        problems=(*waiting, *(problem.message for problem in found), *map(str, drifted)),
    )


def _recorded(target: Target, plan: Plan, pending: set[str]) -> dict[str, Recorded]:
    steps = [step for _, _, step in plan.steps() if isinstance(step, Revision) and step.title() in pending]
    if not steps:
        return {}
    revisions = [step.revision for step in steps]
    recorded = record(target.project, target.url, revisions)
    return {step.title(): one for step, one in zip(steps, recorded, strict=True)}


def _step(target: Target, placed: tuple[StepRef, Step], state: str, recorded: Recorded | None) -> StepReport:
    ref, step = placed
    reason = getattr(step, "irreversible", None) or ""
    rows = _rows(target, step)
    rate = BACKFILL_RATE if isinstance(step, Backfill) else VERIFY_RATE
    notes = [f"not all of it could be seen: {recorded.unseen}"] if recorded and recorded.unseen else []
    statements = tuple(_statement(target, sent) for sent in recorded.sent) if recorded else _triggers(step)
    if isinstance(step, Backfill):
        statements, said = _chunk(target, step)
        notes += said
    if isinstance(step, Revision) and step.archive:
        notes.append(f"archives {', '.join(step.archive)}: it can be undone until migrator purge")
    lasting = what_lasts(target, step, recorded)
    notes += lasting or []
    return StepReport(
        phase=ref.phase,
        index=ref.index,
        count=ref.count,
        kind=ref.kind,
        title=ref.title,
        state=state,
        reversible=not lasting if lasting is not None else not reason or bool(getattr(step, "archive", ())),
        irreversible_reason=reason,
        rows=rows,
        estimate_seconds=rows / rate if rows else None,
        notes=tuple(notes),
        statements=statements,
    )


def _rows(target: Target, step: Step) -> int | None:
    if not isinstance(step, Backfill | Verify):
        return None
    try:
        return find_table(target.asking, step.table).estimated_rows
    except MigratorError:  # a table that an earlier step will make
        return None


def _chunk(target: Target, step: Backfill) -> tuple[tuple[StatementReport, ...], list[str]]:
    """Return the statement of a chunk and what there is to say of it; nothing where an earlier step makes a table."""
    try:
        move = move_of(target, step)
    except UnknownTableError:
        return (), []
    mode = LockMode.ROW_EXCLUSIVE
    text, relation = chunk_shown(move), str(move.changed)
    shown = StatementReport(text, relation, mode.words, _blocks(mode) or "nothing", rewrites=False, scans=False)
    return (shown,), list(consequences(target, step, move.table))


def _triggers(step: Step) -> tuple[StatementReport, ...]:
    if not isinstance(step, DualWrite):
        return ()
    tables = [step.table, *([step.into] if step.into else [])]
    mode = LockMode.SHARE_ROW_EXCLUSIVE
    return tuple(
        StatementReport(f"CREATE TRIGGER ... ON {table}", table, mode.words, _blocks(mode), rewrites=False, scans=False)
        for table in tables
    )


def _statement(target: Target, sent: Sent) -> StatementReport:
    form = sent.form
    refused = f"{form.rule}: {form.reason}" if isinstance(form, Refusal) else ""
    parts = tuple(part.sql for part in form.parts) if form and not isinstance(form, Refusal) else ()
    effects = [part.effect for part in form.parts] if form and not isinstance(form, Refusal) else [sent.effect]
    lock = max((lock for effect in effects for lock in effect.locks), key=lambda one: one.mode, default=None)
    relation = lock.relation.quoted() if lock and lock.relation else ""
    return StatementReport(
        sql=" ".join(sent.statement.text.split()),
        relation=relation,
        lock=lock.mode.words if lock else "",
        blocks=_blocks(lock.mode) if lock else "nothing",
        rewrites=any(effect.rewrites for effect in effects),
        scans=any(effect.stalls for effect in effects),
        online=parts,
        refused=refused,
        plain=sent.plain,
        blocked_by=_blocked_by(target, lock),
    )


def _blocks(mode: LockMode) -> str:
    words = ["schema changes" if word == "ddl" else word for word in mode.blocks]
    return " and ".join(words) if len(words) < 3 else "reads, writes and schema changes"


def _blocked_by(target: Target, lock: Lock | None) -> tuple[Blocker, ...]:
    if lock is None or lock.relation is None or not lock.mode.blocks_writes:
        return ()
    holders = lock_holders(target.asking, [lock.relation.quoted()])
    return tuple(one for one in holders if one.age > LONG_TRANSACTION)
