"""Notices that somebody else has changed the schema of a run's relations since migrator last left it.

What migrator changes itself, for whichever plan or for none, is added to what was recorded as a difference of before
and after, so that it hides nothing that was there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING

from migrator.engine import dual_writes
from migrator.engine.events import Notice
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.engine.target import Target
from migrator.errors import RefusedError
from migrator.ledger.ledger import StepRow
from migrator.ledger.shapes import Recorded, Shapes
from migrator.plan import Phase, Plan
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.verify import Verify
from migrator.postgres.queries import query
from migrator.postgres.shape import Facts, full_names, shapes
from migrator.postgres.tables import UnknownTableError
from migrator.sql.effects import Effect
from migrator.sql.names import Name

if TYPE_CHECKING:
    from migrator.revisions.recorder import Recorded as Sending

WIDTH = 300
_RELATIONS = frozenset({"table", "column", "view", "materialized view", "foreign table"})


class DriftError(RefusedError):
    """The schema of a relation that the plan works on is not as migrator left it: somebody changed it in between.

    What differs is named. A step that goes on from another schema than the one it was planned for could fail in the
    middle, or lose what was added. Take the change back, or, where it may stay, say so: `--accept-drift` records the
    schema as it is and goes on from there. Triggers of a dual write that are missing are installed again by that; rows
    written in the meantime are found by `migrator verify`.
    """

    code = "MG306"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something about a relation that is not as it was left; None where it was not, or is not there."""

    relation: str
    what: str
    was: str | None
    now: str | None

    @property
    def of_it(self) -> str:
        """The difference without the relation."""
        was, now = (shorten(text or "", WIDTH, placeholder=" ...") for text in (self.was, self.now))
        if self.was is None:
            return f"{self.what} was added: {now}"
        return f"{self.what} is gone, was: {was}" if self.now is None else f"{self.what} was: {was}; is now: {now}"

    def __str__(self) -> str:
        return f"{self.relation.removeprefix('public.')}: {self.of_it}"


def begin(session: Session, run: int, sending: Iterable[Sending]) -> None:
    """Record what the relations of the plan look like before its first step."""
    asking = session.target.asking
    relations = full_names(asking, _relations(session.plan, sending))
    recorded = Shapes(asking)
    for relation, facts in (shapes(asking, relations) or {}).items():
        recorded.set(run, relation, facts)


def differing(target: Target, run: int) -> list[Difference]:
    """Return what is not as it was left of the relations of a run, so far as it can be seen now."""
    left = Shapes(target.asking).of_run(run)
    now = shapes(target.asking, [one.relation for one in left]) or {}
    return [difference for one in left if one.current and now for difference in _differences(one, now[one.relation])]


def check(session: Session, rows: list[StepRow]) -> None:
    """Refuse to go on where a relation of the run is not as it was left, unless the command accepts that.

    Raises:
        DriftError
    """
    assert session.run
    recorded = Shapes(session.target.asking)
    left = recorded.of_run(session.run.id)
    now = shapes(session.target.asking, [one.relation for one in left])
    if now is None:  # somebody has locked one of them: if that lasts, the step itself says who
        return
    found = [difference for one in left if one.current for difference in _differences(one, now[one.relation])]
    missing = list(_missing_triggers(session, rows))
    if (found or missing) and not session.accept_drift:
        raise _drifted([*map(str, found), *(words for words, _, _ in missing)])
    for difference in found:
        session.emit(Notice(step=session.ref, text=f"accepted as it is: {difference}"))
    for words, step, row in missing:
        session.emit(Notice(step=session.ref, text=f"installed again: {words}"))
        dual_writes.install(session, step, row, session.ledger.dual_write_state(row.id) or "active")
    for one in left:
        if not one.current or one.facts != now[one.relation]:
            recorded.set(one.run, one.relation, now[one.relation])


def _differences(left: Recorded, now: Facts) -> Iterator[Difference]:
    if left.facts and not now:
        yield Difference(left.relation, "it", left.facts.get("relation"), None)
    elif now and not left.facts:
        yield Difference(left.relation, "it", None, now.get("relation"))
    else:
        for what in sorted({*left.facts, *now}):
            if left.facts.get(what) != now.get(what):
                yield Difference(left.relation, what, left.facts.get(what), now.get(what))


def _missing_triggers(session: Session, rows: list[StepRow]) -> Iterator[tuple[str, DualWrite, StepRow]]:
    """Yield each dual write of the run whose triggers should be at work and are not, with words for it."""
    if any(row.phase == Phase.CONTRACT and row.state != "pending" for row in rows):
        return  # a revision that could not be followed may have dropped them with their table
    for row, (_, step) in zip(rows, refs(session.plan), strict=True):
        if not isinstance(step, DualWrite) or session.ledger.dual_write_state(row.id) not in dual_writes.AT_WORK:
            continue
        with suppress(UnknownTableError):
            names = dict(dual_writes.build(session, step, row).triggers)
            at_work = session.target.asking.execute(query("triggers_at_work"), {"names": list(names)}).fetchall()
            for name in names.keys() - {one for (one,) in at_work}:
                yield f"{names[name]}: trigger {name} of the dual write is gone or disabled", step, row


def _drifted(differences: list[str]) -> DriftError:
    count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
    return DriftError(
        f"the schema is not as migrator left it: {count}",
        notes=[*differences, "nothing of the next step was done"],
        help="take that back; or go on from the schema as it is, by the same command with --accept-drift",
    )


def _relations(plan: Plan, sending: Iterable[Sending]) -> set[str]:
    """Return the relations, as SQL, that the steps of a plan name and that its revisions touch."""
    named: set[str] = set()
    for _, _, step in plan.steps():
        match step:
            case DualWrite() | Backfill():
                named |= {step.table, *([step.into] if step.into else [])}
            case Verify():
                named.add(step.table)
    touched = {name for one in sending for sent in one.sent for name in _touched(sent.effect)}
    return named | {name.quoted() for name in touched}


def _touched(effect: Effect) -> Iterator[Name]:
    yield from (lock.relation for lock in effect.locks if lock.relation)
    yield from (one.name for one in (*effect.creates, *effect.drops) if one.kind in _RELATIONS)
