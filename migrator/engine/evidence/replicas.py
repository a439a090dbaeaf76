"""Standbys that have not replayed yet what was written before the gate was reached."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query

ASKED = "replicas"


def look(watched: Watched) -> Iterator[str]:
    """Yield each standby that is behind the position that the first look has noted."""
    rows = watched.connection.execute(query("standbys")).fetchall()
    if any(hidden for *_, hidden in rows):
        watched.unknown.append("standbys: grant pg_monitor to this role")
        return
    if "position" not in watched.memory:
        found = watched.connection.execute(query("wal_written")).fetchone()
        assert found
        watched.memory["position"] = int(found[0])
    for name, replayed, *_ in rows:
        behind = watched.memory["position"] - int(replayed)
        if behind > 0:
            yield f"standby {name} has {behind:,} bytes to replay"
