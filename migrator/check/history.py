"""Revisions and plans as data for the rules: what was recorded of each, and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.check.finding import Place
from migrator.check.source import Piece, Script


@dataclass(frozen=True, slots=True)
class Direction:
    """One function of a revision.

    Attributes:
        place: where it is defined; the whole file where it is missing.
        problem: why it undoes nothing: missing, empty, raising. Empty where there is no such reason.
        unseen: why not all that it sends could be found out.
        reads: it asked the database for rows, which were not there.
        unreadable: what it sends that is not SQL, with the place.
    """

    place: Place
    pieces: tuple[Piece, ...] = ()
    problem: str = ""
    unseen: str = ""
    reads: bool = False
    unreadable: tuple[tuple[Place, str], ...] = ()

    def script(self, *, downgrade: bool) -> Script:
        return Script(self.pieces, downgrade=downgrade)


@dataclass(frozen=True, slots=True)
class RecordedRevision:
    """A revision with all that it sends. `failure` says why its file could not be loaded."""

    revision: str
    path: str
    down: tuple[str, ...]
    upgrade: Direction
    downgrade: Direction
    failure: str = ""
    different: tuple[str, ...] = ()
    """What came back otherwise after upgrade and downgrade, as far as the schema before is known."""


@dataclass(frozen=True, slots=True)
class History:
    """All revisions of a project, those that others build on first, as far as they hang together."""

    revisions: tuple[RecordedRevision, ...]
    selected: frozenset[str]
    """The revisions that were asked for; the others only tell what the schema is."""
    missing: tuple[tuple[RecordedRevision, str], ...] = ()
    """Revisions that build on one that does not exist, with its name."""
    circle: tuple[str, ...] = ()
    one_release: bool = False
    """The selected revisions are deployed together, so that what one of them makes is new to the next."""
    heads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOfPlan:
    """A revision step as the rules about plans see it. `losses` is what its upgrade takes away."""

    revision: str
    phase: str
    place: Place
    irreversible: str = ""
    archive: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """A backfill step that deletes rows of `table`, as the rules about plans see it."""

    table: str
    place: Place
    irreversible: str = ""
    archived: bool = False
    """Whether the rows are kept until `migrator purge`."""


@dataclass(frozen=True, slots=True)
class PlanCase:
    """A plan as the rules see it: its revision steps, what else loses data, and the kinds of all steps by phase."""

    name: str
    place: Place
    steps: tuple[StepOfPlan, ...]
    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    """The revisions in the order in which the history applies them."""
    deletions: tuple[Deletion, ...] = ()
