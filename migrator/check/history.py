"""Revisions and plans as data for the rules: what was recorded of each, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from migrator.check.finding import Place
from migrator.check.losses import Loss
from migrator.check.source import Piece, Script
from migrator.sql.names import Name, quote


@dataclass(frozen=True, slots=True)
class Direction:
    """One function of a revision.

    Attributes:
        place: where it is defined; the whole file where it is missing.
        problem: why it undoes nothing: missing, empty, raising. Empty where there is no such reason.
        unseen: why not all that it sends could be found out.
        reads: it asked the database for rows, which were not there.
        unreadable: what it sends that is not SQL, with the place.
        certain: what ended it, told in `unseen`, ends it on any database.
    """

    place: Place
    pieces: tuple[Piece, ...] = ()
    problem: str = ""
    unseen: str = ""
    reads: bool = False
    unreadable: tuple[tuple[Place, str], ...] = ()
    certain: bool = False

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
class Mapped:
    """A table, or a column of one, that the models of the application have. No schema is the default one."""

    table: str
    column: str | None = None
    schema: str | None = None

    @classmethod
    def of(cls, name: Name, column: str | None) -> Mapped:
        return cls(name.name, column, None if name.schema == "public" else name.schema)

    def is_in(self, table: Mapped) -> bool:
        """Say whether it is a column of that table."""
        return (self.table, self.schema) == (table.table, table.schema)

    def __str__(self) -> str:
        table = Name(self.table, self.schema).quoted()
        return f"{table}.{quote(self.column)}" if self.column else table


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
    mapped: Callable[[], frozenset[Mapped]] = frozenset
    """Finds out which tables and columns the application maps; nothing where that cannot be told."""


@dataclass(frozen=True, slots=True)
class StepOfPlan:
    """A revision step as the rules about plans see it. `losses` is what its upgrade takes away."""

    revision: str
    phase: str
    place: Place
    irreversible: str = ""
    archive: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()


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
    backfills: tuple[tuple[str, Piece], ...] = ()
    """What backfill steps send, each with the revision that is the newest by then."""
