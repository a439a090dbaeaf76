"""PostgreSQL's table-level lock modes and what each keeps waiting ("Explicit Locking" in the manual)."""

from __future__ import annotations

from enum import IntEnum


class LockMode(IntEnum):
    """A table-level lock mode, weakest first."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def words(self) -> str:
        """The mode as SQL and the manual write it."""
        return self.name.replace("_", " ")

    @property
    def pg_locks_mode(self) -> str:
        """The mode as the column `mode` of pg_locks has it."""
        return self.name.replace("_", " ").title().replace(" ", "") + "Lock"

    @property
    def conflicts(self) -> frozenset[LockMode]:
        """The modes that wait while another transaction holds this one."""
        return _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """SELECT waits."""
        return LockMode.ACCESS_SHARE in self.conflicts

    @property
    def blocks_writes(self) -> bool:
        """INSERT, UPDATE and DELETE wait."""
        return LockMode.ROW_EXCLUSIVE in self.conflicts

    @property
    def blocks_ddl(self) -> bool:
        """Other schema changes, VACUUM and ANALYZE wait."""
        return LockMode.SHARE_UPDATE_EXCLUSIVE in self.conflicts

    @property
    def blocks(self) -> tuple[str, ...]:
        """What waits, in words: of reads, writes and ddl."""
        held_up = {"reads": self.blocks_reads, "writes": self.blocks_writes, "ddl": self.blocks_ddl}
        return tuple(word for word, waits in held_up.items() if waits)


def _from(weakest: LockMode, *others: LockMode) -> frozenset[LockMode]:
    return frozenset(mode for mode in LockMode if mode >= weakest) | frozenset(others)


_CONFLICTS = {
    LockMode.ACCESS_SHARE: frozenset({LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_SHARE: _from(LockMode.EXCLUSIVE),
    LockMode.ROW_EXCLUSIVE: _from(LockMode.SHARE),
    LockMode.SHARE_UPDATE_EXCLUSIVE: _from(LockMode.SHARE_UPDATE_EXCLUSIVE),
    LockMode.SHARE: _from(LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.ROW_EXCLUSIVE) - {LockMode.SHARE},
    LockMode.SHARE_ROW_EXCLUSIVE: _from(LockMode.ROW_EXCLUSIVE),
    LockMode.EXCLUSIVE: _from(LockMode.ROW_SHARE),
    LockMode.ACCESS_EXCLUSIVE: _from(LockMode.ACCESS_SHARE),
}
