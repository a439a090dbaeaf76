"""What a signal of the throttle is: something that is looked at, with a limit it may not exceed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg

from migrator.postgres.tables import Table

RESUME_SHARE = 0.8  # of the limit: who waits goes on only below this, so that the work does not stutter


class UnreadableSignal(Exception):  # noqa: N818 - not an error of migrator: the work waits until it can be read
    """The signal says nothing, so nobody knows whether it is safe to go on."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a signal may want to know of the backfill.

    Attributes:
        own_pids: the server processes of its workers.
        connect: opens a connection of one's own.
        size_before: how many bytes the table had when the backfill began.
    """

    table: Table
    own_pids: Callable[[], frozenset[int]]
    connect: Callable[[], psycopg.Connection]
    size_before: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen, of which thing, and the limit; `show` writes both."""

    what: str
    value: float
    limit: float
    show: Callable[[float], str] = "{:g}".format

    def reason(self, *, waiting: bool) -> str:
        """Return ``signal observed > limit``, or an empty text where it is not; who waits has a lower limit."""
        limit = self.limit * RESUME_SHARE if waiting else self.limit
        return f"{self.what} {self.show(self.value)} > {self.show(limit)}" if self.value > limit else ""


class Signal(ABC):
    """One signal. A subclass is a module of this package that is called as its key.

    Attributes:
        key: its key in a plan.
        every: seconds between two looks in the background.
        fresh: whether it is also looked at before every chunk, because the very next one may exceed the limit.
    """

    key: ClassVar[str]
    every: ClassVar[float] = 0.5
    fresh: ClassVar[bool] = False

    def __init__(self, limit: Any, scene: Scene) -> None:
        self.limit = limit
        self.scene = scene

    @abstractmethod
    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        """Look once.

        Raises:
            UnreadableSignal, psycopg.Error, OSError
        """

    def close(self) -> None:  # noqa: B027 - most signals have nothing to end
        """End what the signal has started."""


def size(number: float) -> str:
    """Write bytes as a person reads them."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number / 2**10:.0f} kB"


def seconds(number: float) -> str:
    """Write seconds as a person reads them."""
    return f"{number:.2g} s" if number < 10 else f"{number:.0f} s"
