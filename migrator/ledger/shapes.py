"""What the relations of runs looked like when migrator last left them; not what a difference means."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

from migrator.postgres.queries import query
from migrator.postgres.shape import Facts, reading


@dataclass(frozen=True, slots=True)
class Recorded:
    """A relation of a run as it was left. `current` is False where that says nothing about now.

    That is so where a revision was under way when its process died, and where another server version read it.
    """

    run: int
    relation: str
    facts: Facts
    current: bool


class Shapes:
    """The recorded shapes, over an autocommit connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._reading = reading(connection)

    def of_run(self, run: int) -> list[Recorded]:
        rows = self._connection.execute(query("shapes_of_run"), {"run": run}).fetchall()
        return [self._recorded(run, *row) for row in rows]

    def of_open_runs(self) -> list[Recorded]:
        """Return the shapes of all runs that are not rolled back."""
        rows = self._connection.execute(query("shapes_of_open_runs")).fetchall()
        return [self._recorded(*row) for row in rows]

    def unsettle(self) -> None:
        """Note that a revision is about to change what it likes, until `set`."""
        self._connection.execute(query("shapes_unsettle"))

    def set(self, run: int, relation: str, facts: Facts) -> None:
        what = {"run": run, "relation": relation, "facts": Jsonb(facts), "reading": self._reading}
        self._connection.execute(query("shape_set"), what)

    def _recorded(self, run: int, relation: str, facts: Facts, who: str, settled: bool) -> Recorded:
        return Recorded(run, relation, facts, settled and who == self._reading)
