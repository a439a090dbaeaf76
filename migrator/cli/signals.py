"""Responsible for turning SIGINT and SIGTERM into a request to stop; not for stopping."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stoppable(Protocol):
    """What can be asked to stop: softly the first time, at once the second time."""

    signal: int

    def request(self) -> None: ...


@contextmanager
def stopping(stop: Stoppable) -> Iterator[None]:
    """Ask `stop` to stop on the first and on the second signal; the third one does what it would do without us."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    received: list[int] = []

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop.signal = number
        stop.request()
        if len(received) == 1:
            _say("finishing the chunk; press Ctrl-C again to cancel it")
        else:
            _say("cancelling; the next Ctrl-C ends the process at once")
            restore()

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()


def _say(text: str) -> None:
    # Past the buffers of sys.stderr: the signal may have come while it was being written to, and Python forbids that.
    with contextlib.suppress(OSError):
        os.write(2, f"\n{text}\n".encode())
