"""The advisory locks that env.py or a revision holds for its transaction, taken again behind our own commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrator.revisions.driver import connection_of, in_transaction
from migrator.revisions.errors import LockTimeoutError

_HELD = """
    SELECT classid::bigint, objid::bigint, objsubid, mode = 'ShareLock' FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid() AND granted
"""
# A key of 64 bits is shown in two halves, one of two keys as it is (pg_locks in the manual).
_KEYS = {
    1: "(%s::bigint << 32) | %s::bigint",
    2: "%s::bigint::oid::int, %s::bigint::oid::int",
}


@dataclass(slots=True)
class AdvisoryLocks:
    """Those held when one of our commits came. Of those held for the session another is taken, which is allowed."""

    _held: list[Any] = field(default_factory=list)

    def keep(self, cursor: Any) -> None:
        """Take note of the locks: a commit is about to release them."""
        if in_transaction(connection_of(cursor)):
            cursor.execute(_HELD)
            self._held = cursor.fetchall()

    def renew(self, cursor: Any) -> None:
        """Take them again in the transaction that `cursor` is in, or begins.

        Raises:
            LockTimeoutError: another session has taken one meanwhile.
        """
        for high, low, form, shared in self._held:
            function = f"pg_catalog.pg_try_advisory_xact_lock{'_shared' if shared else ''}"
            cursor.execute(f"SELECT {function}({_KEYS[form]})", (high, low))
            if not cursor.fetchone()[0]:
                raise LockTimeoutError(
                    "another session has taken the advisory lock that env.py holds",
                    notes=["what was committed before is in the journal; nothing behind it was run"],
                    help="wait until that session ends, and run the same command again",
                )
