"""What one request or job has done so far; other modules write here, the web layer and the worker report it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Activity:
    """One request or job.

    Attributes:
        queries: statements sent on its behalf.
        sql_seconds: time spent waiting for them.
    """

    request_id: str
    queries: int = 0
    sql_seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[Activity | None] = ContextVar("catalog_activity", default=None)


def current() -> Activity | None:
    """Return the activity of this thread, if it has begun one."""
    return _current.get()


@contextmanager
def activity(request_id: str) -> Iterator[Activity]:
    """Begin an activity for the length of a `with` block."""
    begun = Activity(request_id)
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)
