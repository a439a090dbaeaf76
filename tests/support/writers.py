"""An application that keeps writing while something happens to its tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from tests.support.polling import wait_until

Write = Callable[[psycopg.Connection, int], None]


@dataclass
class Writers:
    """What the writers came to: how many writes each did, and what went wrong."""

    counts: list[int]
    errors: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def wait_for_more(self, writes: int = 5) -> None:
        """Wait until every writer has done some more writes, or one has failed."""
        goals = [count + writes for count in self.counts]
        wait_until(
            lambda: self.errors or all(count >= goal for count, goal in zip(self.counts, goals, strict=True)),
            message="every writer goes on",
        )


@contextmanager
def writing(url: str, writes: Sequence[Write]) -> Iterator[Writers]:
    """Call each of `writes` again and again on a connection and a thread of its own, with a number that counts up.

    Where one raises, it ends; the error is kept.
    """
    writers = Writers([0] * len(writes))

    def work(place: int, write: Write) -> None:
        try:
            with psycopg.connect(url, autocommit=True, application_name="application") as connection:
                while not writers.stopping.is_set():
                    write(connection, writers.counts[place])
                    writers.counts[place] += 1
        except psycopg.Error as error:
            writers.errors.append(f"{write.__name__}: {error}")

    threads = [threading.Thread(target=work, args=pair, daemon=True) for pair in enumerate(writes)]
    for thread in threads:
        thread.start()
    try:
        writers.wait_for_more()
        yield writers
    finally:
        writers.stopping.set()
        for thread in threads:
            thread.join(timeout=10)
