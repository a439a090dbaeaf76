"""Collects what a statement does while it is being classified; not what any particular statement does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from migrator.sql.context import Context, descendants, resolved
from migrator.sql.effects import DataChange, Effect, Lock, Object, Rename, Setting, Work, WorkKind, strongest_locks
from migrator.sql.locks import LockMode
from migrator.sql.names import Name
from migrator.sql.parser import Tree


@dataclass
class Draft:
    """An Effect in the making."""

    context: Context
    kind: str = ""
    locks: list[Lock] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    data_changes: list[DataChange] = field(default_factory=list)
    creates: list[Object] = field(default_factory=list)
    drops: list[Object] = field(default_factory=list)
    renames: list[Rename] = field(default_factory=list)
    functions: list[Name] = field(default_factory=list)
    changes_settings: list[Setting] = field(default_factory=list)
    transactional: bool = True
    reads_only: bool = False
    transaction_control: str = ""
    savepoint: str = ""
    locks_unknown: bool = False
    cascades: bool = False
    gone: frozenset[str] = frozenset()
    """Constraints that the statement drops, which it does before all else."""

    def lock(self, relation: Name | None, mode: LockMode, role: str = "") -> None:
        """Record a lock; `relation` is None where only the server knows which."""
        self.locks.append(Lock(relation and resolved(self.context, relation), mode, role))

    def lock_tree(self, relation: Name, mode: LockMode, role: str = "") -> None:
        """Record a lock on a table and all its partitions or inheriting tables."""
        self.lock(relation, mode, role)
        for below in descendants(self.context, relation):
            self.lock(below, mode, f"below {relation}")

    def add_work(self, kind: WorkKind, relation: Name | None, rule: str, why: str, *, certain: bool = True) -> None:
        """Record work that grows with the table; the lock it is done under is known at the end."""
        self.work.append(Work(kind, relation and resolved(self.context, relation), rule, why, certain=certain))

    def opaque(self, role: str) -> None:
        """Record that anything may be locked."""
        self.locks_unknown = True
        self.lock(None, LockMode.ACCESS_EXCLUSIVE, role)

    def effect(self) -> Effect:
        """Return what was collected: the strongest lock per relation, and work with the lock it is done under."""
        locks = strongest_locks(self.locks)
        modes = {lock.relation: lock.mode for lock in locks}
        return Effect(
            kind=self.kind,
            locks=locks,
            work=tuple(replace(work, mode=modes.get(work.relation, work.mode)) for work in self.work),
            data_changes=tuple(self.data_changes),
            transactional=self.transactional,
            creates=tuple(self.creates),
            drops=tuple(self.drops),
            renames=tuple(self.renames),
            reads_only=self.reads_only,
            functions=tuple(dict.fromkeys(self.functions)),
            changes_settings=tuple(self.changes_settings),
            transaction_control=self.transaction_control,
            savepoint=self.savepoint,
            locks_unknown=self.locks_unknown,
            cascades=self.cascades,
        )


Handler = Callable[[Tree, Draft], None]
"""Writes into the draft what the statement of the tree does."""
