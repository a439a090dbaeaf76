"""How long is waited between two tries to get a lock."""

from __future__ import annotations

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
"""Seconds, of the full-jitter backoff."""
