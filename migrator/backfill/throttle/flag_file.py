"""Whether a file exists on the machine of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal


class FlagFile(Signal):
    """Waits while the file is there."""

    key = "flag_file"
    every = 0.1
    fresh = True

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        del connection
        there = Path(self.limit).expanduser().exists()
        return [Observation(f"{self.key} {self.limit}", there, 0, lambda number: "present" if number else "absent")]
