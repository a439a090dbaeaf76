"""What a statement does, as data: locks, work under them, objects made and lost; not how that is found out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from migrator.sql.locks import LockMode
from migrator.sql.names import Name


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a relation. `relation` is None where only the server knows which; `role` then says what it is."""

    relation: Name | None
    mode: LockMode
    role: str = ""


class WorkKind(Enum):
    """Work whose time grows with the table."""

    REWRITE = "rewrite"
    SCAN = "scan"
    BUILD = "index build"


@dataclass(frozen=True, slots=True)
class Work:
    """Work that takes as long as the relation is big, done while `mode` is held on it.

    Attributes:
        rule: the hazard's name, such as ``add-column-volatile-default``.
        why: the reason in words, with the user's names.
        certain: False where the caller's knowledge does not suffice and the worst is assumed.
    """

    kind: WorkKind
    relation: Name | None
    rule: str
    why: str
    mode: LockMode = LockMode.ACCESS_EXCLUSIVE
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """Something in the database: a relation, or a `member` of one (column, constraint, trigger, ...)."""

    kind: str
    name: Name
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """An object's new name or new schema."""

    what: Object
    name: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class DataChange:
    """Rows added, changed or removed. `whole` says that no WHERE limits it."""

    verb: str
    table: Name
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A session setting that the statement changes. `value` is None for RESET and DEFAULT."""

    name: str
    value: str | None
    local: bool = False
    """Ends with the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """All that one statement does.

    Attributes:
        kind: what to call the statement, such as ``ALTER TABLE … ADD COLUMN``.
        locks: the strongest lock per relation, strongest first.
        transactional: False where PostgreSQL refuses the statement inside a transaction.
        reads_only: provably changes nothing.
        functions: functions it calls that may do more than compute.
        transaction_control: BEGIN, COMMIT, SAVEPOINT, ...; empty for all else.
        savepoint: the name in SAVEPOINT, RELEASE and ROLLBACK TO.
        locks_unknown: it may lock anything, as strongly as can be.
        cascades: what depends on what it drops goes with it.
    """

    kind: str
    locks: tuple[Lock, ...] = ()
    work: tuple[Work, ...] = ()
    data_changes: tuple[DataChange, ...] = ()
    transactional: bool = True
    creates: tuple[Object, ...] = ()
    drops: tuple[Object, ...] = ()
    renames: tuple[Rename, ...] = ()
    reads_only: bool = False
    functions: tuple[Name, ...] = ()
    changes_settings: tuple[Setting, ...] = ()
    transaction_control: str = ""
    savepoint: str = ""
    locks_unknown: bool = False
    cascades: bool = False

    @property
    def rewrites(self) -> tuple[Work, ...]:
        """The relations whose files are written anew."""
        return tuple(work for work in self.work if work.kind is WorkKind.REWRITE)

    @property
    def scans(self) -> tuple[Work, ...]:
        """The relations read from end to end, index builds included."""
        return tuple(work for work in self.work if work.kind is not WorkKind.REWRITE)

    @property
    def stalls(self) -> tuple[Work, ...]:
        """The work during which somebody's writes, or reads, have to wait."""
        return tuple(work for work in self.work if work.mode.blocks_writes)

    @property
    def strongest(self) -> LockMode | None:
        """The strongest lock on any relation."""
        return max((lock.mode for lock in self.locks), default=None)

    @property
    def blocks(self) -> tuple[str, ...]:
        """What can have to wait for it: of reads, writes and ddl."""
        return self.strongest.blocks if self.strongest else ()

    @property
    def keeps_together(self) -> bool:
        """Whether the application may depend on seeing all of the transaction at once.

        Something is removed or renamed as a whole, or a lock was asked for.
        """
        whole = (*self.drops, *(rename.what for rename in self.renames))
        return self.kind == "LOCK TABLE" or any(one.member is None and one.kind != "index" for one in whole)

    def lock_on(self, relation: Name) -> LockMode | None:
        """Return the lock it takes on `relation`."""
        return max((lock.mode for lock in self.locks if lock.relation and lock.relation.same(relation)), default=None)


def strongest_locks(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """Return the strongest lock per relation, strongest first; relations that are not known stay apart by role."""
    best: dict[tuple[Name | None, str], Lock] = {}
    for lock in locks:
        key = (lock.relation, lock.role if lock.relation is None else "")
        if key not in best or lock.mode > best[key].mode:
            best[key] = lock
    return tuple(sorted(best.values(), key=lambda lock: -lock.mode))


def together(effects: tuple[Effect, ...]) -> Effect:
    """Return the effect of several statements that run in one transaction."""
    if len(effects) == 1:
        return effects[0]
    return Effect(
        kind="; ".join(effect.kind for effect in effects),
        locks=strongest_locks(lock for effect in effects for lock in effect.locks),
        work=tuple(work for effect in effects for work in effect.work),
        data_changes=tuple(change for effect in effects for change in effect.data_changes),
        transactional=all(effect.transactional for effect in effects),
        creates=tuple(made for effect in effects for made in effect.creates),
        drops=tuple(dropped for effect in effects for dropped in effect.drops),
        renames=tuple(rename for effect in effects for rename in effect.renames),
        reads_only=all(effect.reads_only for effect in effects),
        functions=tuple(name for effect in effects for name in effect.functions),
        changes_settings=tuple(setting for effect in effects for setting in effect.changes_settings),
        locks_unknown=any(effect.locks_unknown for effect in effects),
        cascades=any(effect.cascades for effect in effects),
    )
