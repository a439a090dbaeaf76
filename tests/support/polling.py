"""Waiting for a condition instead of a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], *, timeout: float = 15.0, message: str = "", interval: float = 0.02) -> T:
    """Call `predicate` until it returns something true, and return that; fail with `message` after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{message or 'the condition'}: not within {timeout:g} s (last: {answer!r})")
        time.sleep(interval)
