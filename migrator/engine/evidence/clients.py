"""Sessions of an application whose name tells a version that is too old, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query

ASKED = "no_clients"


def look(watched: Watched) -> Iterator[str]:
    """Yield each session of the application that may be older than the version asked for."""
    name, oldest = watched.asked.clients
    for pid, application, user, address in watched.connection.execute(query("clients")).fetchall():
        version = version_of(application, name)
        if version is not None and version < oldest:
            told = application if version else f"{application}, which tells no version,"
            yield f"connected: {told} (user {user}, pid {pid}, from {address or 'this machine'})"


def version_of(application: str, name: str) -> tuple[int, ...] | None:
    """Return the version in an application_name such as ``catalog/2.3.1``, () where it tells none, None for another."""
    found = re.fullmatch(
        rf"{re.escape(name)}(?:[\s/@:_-]*v?(?P<version>[0-9]+(?:\.[0-9]+)*)\b.*)?", application, re.IGNORECASE
    )
    if found is None:
        return None
    return tuple(map(int, found["version"].split("."))) if found["version"] else ()
