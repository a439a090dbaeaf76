"""What the online form of a statement is made of; not how any statement gets one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from migrator.sql.classify import classify
from migrator.sql.context import Context
from migrator.sql.effects import Effect, together
from migrator.sql.names import Name, quote
from migrator.sql.statement import parse_one

ADDED = "the constraint just added"
"""Stands for a name that PostgreSQL chooses, until the caller has looked it up (`Part.named`)."""


class PartKind(Enum):
    """How a part has to be run."""

    BRIEF = "brief"
    """A strong lock for an instant: in a transaction, with a short lock_timeout, again if it is not to be had."""
    VALIDATE = "validate"
    """Reads the whole table while reads and writes go on: in a transaction of its own."""
    PLAIN = "plain"
    """As it is written, because a person has said why: in a transaction of its own, for as long as it takes."""
    CONCURRENT = "concurrent"
    """Waits for other transactions while reads and writes go on: outside a transaction, without timeouts."""


class LeftoverKind(Enum):
    """What an interrupted part that is no transaction can leave behind."""

    INVALID_INDEX = "invalid index"
    """An index of the name, INVALID: drop it concurrently, then run the part again."""
    HALF_DROPPED_INDEX = "half-dropped index"
    """The index to be dropped, INVALID by now: run the part again, if the index is still there."""
    TRANSIENT_INDEX = "transient index"
    """Indexes of the relation whose names end in `_ccnew` or `_ccold`, INVALID: drop them, run the part again."""
    PENDING_DETACH = "pending detach"
    """The partition with `inhdetachpending`: ALTER TABLE … DETACH PARTITION … FINALIZE completes it."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """What to look for before a part is run again."""

    kind: LeftoverKind
    name: Name


@dataclass(frozen=True, slots=True)
class Added:
    """A constraint that the part before has added to `table` under a name only the server knows.

    It is the one that the table has after that part and had not before. `optional` says that there may be none, and
    then nothing is to do.
    """

    table: Name
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One step of an online form: statements that are committed together, and journalled with it."""

    statements: tuple[str, ...]
    kind: PartKind
    effect: Effect
    leftover: Leftover | None = None
    added: Added | None = None
    """Set while the statements still hold ADDED in place of a name."""

    @property
    def transactional(self) -> bool:
        return self.kind is not PartKind.CONCURRENT

    @property
    def sql(self) -> str:
        """The statements as one text."""
        return ";\n".join(self.statements)

    def named(self, name: str) -> Part:
        """Return the part with the name that PostgreSQL chose for the constraint just added."""
        statements = tuple(one.replace(quote(ADDED), quote(name)) for one in self.statements)
        return replace(self, statements=statements, added=None)


@dataclass(frozen=True, slots=True)
class OnlineForm:
    """The parts that together do what the statement does, in order, without stalling anybody.

    Names are chosen for the database as it was before the first part. So work a form out once, and keep it: after an
    interruption go on with the parts that were kept.
    """

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """There is no online form.

    Attributes:
        rule: the hazard's name.
        reason: why the statement stalls others.
        safer: how to reach the same in steps that do not, with the user's names.
        certain: False where only a lack of knowledge forbids it.
    """

    rule: str
    reason: str
    safer: str
    certain: bool = True


Answer = OnlineForm | Refusal | None
"""None: the statement is fine as it is."""


def brief(context: Context, *statements: str, proven: bool = False, added: Added | None = None) -> Part:
    """Return a part for a strong lock held for an instant.

    Args:
        context: what is known before the whole form.
        statements: run in one transaction.
        proven: an earlier part has seen to it that nothing is read or written from end to end.
        added: see Part.
    """
    effect = together(tuple(classify(parse_one(one), context) for one in statements))
    return Part(statements, PartKind.BRIEF, replace(effect, work=()) if proven else effect, added=added)


def validate(context: Context, statement: str, added: Added | None = None) -> Part:
    """Return a part that reads the whole table under a weak lock."""
    return Part((statement,), PartKind.VALIDATE, classify(parse_one(statement), context), added=added)


def concurrent(context: Context, statement: str, leftover: Leftover) -> Part:
    """Return a part that PostgreSQL runs outside a transaction."""
    return Part((statement,), PartKind.CONCURRENT, classify(parse_one(statement), context), leftover)
