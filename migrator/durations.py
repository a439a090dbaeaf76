"""Responsible for reading and writing lengths of time such as ``500ms``; not for what they limit."""

from __future__ import annotations

import re
from datetime import timedelta

DURATION_PATTERN = r"^[0-9]{1,12}(ms|s|m|h|d)$"
MAX_DURATION = timedelta(days=365)
MAX_LOCK_TIMEOUT = timedelta(hours=1)
"""Every statement of the application queues behind a lock that is being waited for."""

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def parse_duration(text: str, *, least: timedelta = timedelta(0), most: timedelta = MAX_DURATION) -> timedelta:
    """Read a whole number and its unit.

    Raises:
        ValueError: the text is no duration or lies outside the bounds; the message completes "lock_wait ...".
    """
    found = re.fullmatch(DURATION_PATTERN, text)
    if not found:
        raise ValueError(f"must be a duration such as 500ms, 2s, 10m, 1h or 30d, not {text!r}")
    unit = found[1]
    number = int(text.removesuffix(unit))
    # Compared as numbers, since a timedelta overflows long before twelve digits of days are used up.
    if number > most // _UNITS[unit] or number * _UNITS[unit] < least:
        raise ValueError(f"must be from {format_duration(least)} to {format_duration(most)}, not {text}")
    return number * _UNITS[unit]


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that needs no fraction, as `parse_duration` reads it."""
    for unit in reversed(_UNITS):
        if duration and not duration % _UNITS[unit]:
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration // _UNITS['ms']}ms" if duration else "0s"
