"""Responsible for showing events to a program, one JSON object per line; not for the keys of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from migrator.engine.events import Emit, Event
from migrator.view.jsontext import dumps
from migrator.view.streams import Streams


def _utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def progress(streams: Streams, *, now: Callable[[], datetime] = _utc_now) -> Iterator[Emit]:
    """Write each event to standard output at once, with the version of the format and the time."""

    def emit(event: Event) -> None:
        streams.out.write(dumps({"version": 1, "at": now(), **event.to_json()}) + "\n")
        streams.out.flush()

    yield emit
