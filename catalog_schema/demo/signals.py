"""Turns a signal into an exception at a moment when everything that was started can be ended; ends nothing itself."""

import signal
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody wants the demonstration to end. Not an Exception: nothing may take it for a failure and go on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Signals:
    """Raises `Stopped` for the first signal while it is armed; one that came before is raised by arming it.

    Later signals are ignored, so that nobody's impatience leaves a server running.
    """

    def __init__(self) -> None:
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._received: int | None = None
        self._armed = False

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def arm(self) -> None:
        """Raise from now on."""
        if self._received is not None:
            raise Stopped(self._received)
        self._armed = True

    def disarm(self) -> None:
        """Raise no more."""
        self._armed = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._received = self._received or number
        if self._armed:
            self._armed = False
            raise Stopped(number)
