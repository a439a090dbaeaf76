"""Keeps what migrator itself changes of a schema from looking like drift, whichever plan it belongs to, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from migrator.engine.target import Target
from migrator.ledger.shapes import Shapes
from migrator.postgres.shape import Facts, shapes


@contextmanager
def changing(target: Target) -> Iterator[None]:
    """Add what a revision changes inside the block to what is recorded of every run.

    Where the process dies in it, the next one takes what it finds for what this one has left.
    """
    recorded = Shapes(target.asking)
    left = recorded.of_open_runs()
    if not left:
        yield
        return
    relations = {one.relation for one in left}
    recorded.unsettle()
    before = shapes(target.asking, relations)
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # the server is gone: then nothing is settled
            for relation, now in (shapes(target.asking, relations) or {}).items():
                for one in left:
                    if one.relation == relation:
                        own = before[relation] if before is not None and one.current else None
                        recorded.set(one.run, relation, now if own is None else _moved(one.facts, own, now))


def _moved(recorded: Facts, before: Facts, after: Facts) -> Facts:
    """Return `recorded` with what differs between `before` and `after` as it is in `after`."""
    changed = {what for what in {*before, *after} if before.get(what) != after.get(what)}
    kept = {what: text for what, text in recorded.items() if what not in changed}
    return {**kept, **{what: after[what] for what in changed if what in after}}
