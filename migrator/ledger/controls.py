"""What an operator asks of a run from another terminal; workers read it before each chunk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from migrator.postgres.queries import query


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a run now. Settings that nobody has set are None; `chunk_target` is in seconds."""

    paused_by: str = ""
    paused_at: datetime | None = None
    cancelled_by: str = ""
    chunk_target: float | None = None
    workers: int | None = None
    nice: float | None = None

    @property
    def pause(self) -> str:
        """Why the run stands still, or an empty text."""
        return f"paused by {self.paused_by} since {self.paused_at:%H:%M:%S}" if self.paused_by else ""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that are set, by name."""
        found = {"chunk_target": self.chunk_target, "workers": self.workers, "nice": self.nice}
        return {name: value for name, value in found.items() if value is not None}


class Controls:
    """What is asked of one run. Every method is one statement."""

    def __init__(self, connection: psycopg.Connection, run: int) -> None:
        self._connection = connection
        self._run = run

    def read(self) -> Asked:
        row = self._connection.execute(query("controls_of"), {"run": self._run}).fetchone()
        if row is None:
            return Asked()
        paused_by, paused_at, cancelled_by, settings = row
        return Asked(paused_by or "", paused_at, cancelled_by or "", **settings)

    def pause(self, by: str) -> None:
        self._connection.execute(query("controls_pause"), {"run": self._run, "by": by})

    def resume(self) -> None:
        self._connection.execute(query("controls_resume"), {"run": self._run})

    def cancel(self, by: str | None) -> None:
        """Ask the run to stop at its next checkpoint; with None, take that back."""
        self._connection.execute(query("controls_cancel"), {"run": self._run, "by": by})

    def set(self, settings: dict[str, Any]) -> None:
        """Set some settings; the others stay as they are."""
        self._connection.execute(query("controls_set"), {"run": self._run, "settings": Jsonb(settings)})
