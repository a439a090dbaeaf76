"""Work that goes on while a test does something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_background(work: Callable[[], T]) -> Iterator[Future[T]]:
    """Run `work` on a thread; leaving the block waits for its end. Ask the future for the result, or for the error."""
    with ThreadPoolExecutor(1, thread_name_prefix="background") as pool:
        future = pool.submit(work)
        yield future
