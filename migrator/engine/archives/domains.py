"""What a column comes back as whose type is a domain with a constraint, on a table that is in use.

PostgreSQL checks such a domain for every row that there is, and writes the table anew under ACCESS EXCLUSIVE to do so,
even where the column is empty. A large table gets the type under the domain, and the domain's rules as a check.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrator.engine.archives.entries import Entry
from migrator.engine.session import Session
from migrator.postgres.definitions import Definition
from migrator.postgres.queries import query
from migrator.postgres.tables import Table
from migrator.sql.names import MAX_NAME_BYTES, clip, quote

SHORT = 8 * 1024**2
"""Bytes of a table that is written anew in some 0.1 s."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The type under a domain, the domain's default in SQL, if it has one, and its name in SQL."""

    type: str
    default: str | None
    domain: str

    def check(self, entry: Entry) -> Definition:
        """Return the check by which the column keeps the rules of the domain: it fails as a cast to it does."""
        name = clip(f"{entry.column}_as_{self.domain}".replace('"', ""), MAX_NAME_BYTES)
        condition = f"num_nulls({quote(entry.column)}::{self.domain}) >= 0"
        statement = f"ALTER TABLE {entry.table} ADD CONSTRAINT {quote(name)} CHECK ({condition})"
        return Definition("constraint", f"{entry.table}.{quote(name)}", statement)

    def told(self, entry: Entry) -> str:
        """Return what a person should know."""
        column = f"{entry.table.removeprefix('public.')}.{quote(entry.column)}"
        return (
            f"{column} is {self.type} with the rules of {self.domain} as a check: a column of that domain can only be "
            f"added by writing the table anew under a lock; ALTER TABLE {entry.table} ALTER COLUMN "
            f"{quote(entry.column)} TYPE {self.domain} does so"
        )


def stand_in(session: Session, table: Table, copy: Table, entry: Entry) -> StandIn | None:
    """Return what stands for the domain that the copy's column has; None where the domain itself can come back."""
    names = {"copy": copy.oid, "column": entry.column, "table": table.oid, "short": SHORT}
    found = session.working.execute(query("stand_in_of_domain"), names).fetchone()
    return StandIn(*found) if found else None
