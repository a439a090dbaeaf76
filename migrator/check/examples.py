"""Makes the examples of rules about revisions, histories and plans; those about statements are plain SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migrator.check.finding import Place
from migrator.check.history import Deletion, Direction, History, PlanCase, RecordedRevision, StepOfPlan
from migrator.check.source import Piece
from migrator.sql.statement import parse

_PLACE = Place("versions/1_example.py", 1)


def example(
    upgrade: Sequence[Piece],
    downgrade: Sequence[Piece],
    problem: str = "",
    *,
    unseen: str = "",
    reads: bool = False,
    unreadable: str = "",
    certain: bool = False,
) -> RecordedRevision:
    """Return a revision that was recorded so."""
    up = Direction(_PLACE, tuple(upgrade), "", unseen, reads, ((_PLACE, unreadable),) if unreadable else (), certain)
    return RecordedRevision("1", _PLACE.path, (), up, Direction(_PLACE, tuple(downgrade), problem))


def case(upgrade: str, downgrade: str) -> RecordedRevision:
    """Return a revision that sends this SQL."""
    return example(_pieces(upgrade), _pieces(downgrade))


def _pieces(sql: str) -> list[Piece]:
    return [Piece(one, _PLACE) for one in parse(sql)]


def history(*heads: str, missing: str = "", circle: tuple[str, ...] = (), failure: str = "") -> History:
    """Return a history that has these heads."""
    nothing = Direction(_PLACE)
    revisions = tuple(RecordedRevision(head, _PLACE.path, (), nothing, nothing, failure) for head in heads)
    absent = ((revisions[0], missing),) if missing else ()
    return History(revisions, frozenset(heads), absent, circle, heads=heads)


def plan(
    *steps: tuple[str, str, dict[str, Any]], migrate: tuple[str, ...] = (), order: tuple[str, ...] = ()
) -> PlanCase:
    """Return a plan with these revision steps: phase, revision, and what is to be known of it."""
    place = Place("plans/1.yaml", 1)
    made = tuple(StepOfPlan(revision, phase, place, **known) for phase, revision, known in steps)
    return PlanCase("example", place, made, {"migrate": migrate}, order)


def plan_that_deletes(*steps: tuple[str, dict[str, Any]]) -> PlanCase:
    """Return a plan whose backfills delete rows of these tables, each with what is to be known of it."""
    place = Place("plans/1.yaml", 1)
    return PlanCase("example", place, (), deletions=tuple(Deletion(table, place, **known) for table, known in steps))
