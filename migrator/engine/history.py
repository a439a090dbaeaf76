"""Upgrades and downgrades the whole history of an Alembic project, outside any plan."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from migrator.engine.events import Emit
from migrator.engine.holding import Holding
from migrator.engine.own_changes import changing
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.ledger import schema
from migrator.ledger.journal import half_applied


def upgrade(target: Target, revision: str, *, emit: Emit, stop: Stop) -> list[str]:
    """Apply every revision up to `revision`; return those applied, first to last.

    Raises:
        DatabaseHeldError, and what `Runner.upgrade_to` raises.
    """
    return _with(target, revision, emit, stop, lambda holding: holding.runner.upgrade_to(revision))


def downgrade(target: Target, revision: str, *, emit: Emit, stop: Stop) -> list[str]:
    """Undo every revision above `revision`, and first what a half-applied upgrade has left; return those undone.

    Raises:
        As `upgrade`.
    """

    def undo(holding: Holding) -> list[str]:
        half = half_applied(target.asking.cursor(), None, "upgrade")
        reverted = [one for one in half if holding.runner.revert(one)]
        # The half-applied revision counts as one step: it is above the one that the version table shows.
        if reverted and revision == "-1":
            return reverted
        return [*reverted, *holding.runner.downgrade_to(revision)]

    return _with(target, revision, emit, stop, undo)


def _with(target: Target, revision: str, emit: Emit, stop: Stop, work: Callable[[Holding], list[str]]) -> list[str]:
    with ThreadPoolExecutor(1) as beside:  # on a new database the server is at it for as long as the imports take
        created = beside.submit(schema.create, target.asking)
        from migrator.revisions import runner  # noqa: F401, PLC0415 - SQLAlchemy and Alembic take half a second
    created.result()
    target.ledger  # noqa: B018 - the journal is there before the first statement
    with Holding(target, revision, emit, stop) as holding, changing(target):
        return work(holding)
