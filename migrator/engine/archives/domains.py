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
class Domain:
    """A domain that has a constraint, in SQL, with the type under it and its default, if it has one."""

    type: str
    default: str | None
    name: str
    required: bool
    """It takes no NULL."""

    def is_long_to_add(self, session: Session, table: Table) -> bool:
        """Say whether to add a column of the domain would hold up those who use the table, or fail."""
        if self.required and self.default is None:
            return True
        found = session.working.execute(query("size_of_table"), {"table": table.oid}).fetchone()
        assert found
        return bool(found[0] > SHORT)

    def check(self, entry: Entry) -> Definition:
        """Return the check by which the column keeps the rules of the domain: it fails as a cast to it does."""
        name = clip(f"{entry.column}_as_{self.name}".replace('"', ""), MAX_NAME_BYTES)
        condition = f"num_nulls({quote(entry.column)}::{self.name}) >= 0"
        statement = f"ALTER TABLE {entry.table} ADD CONSTRAINT {quote(name)} CHECK ({condition})"
        return Definition("constraint", f"{entry.table}.{quote(name)}", statement)

    def told(self, entry: Entry) -> str:
        """Return what a person should know."""
        column = f"{entry.table.removeprefix('public.')}.{quote(entry.column)}"
        return (
            f"{column} is {self.type} with the rules of {self.name} as a check: a column of that domain can only be "
            f"added by writing the table anew under a lock; ALTER TABLE {entry.table} ALTER COLUMN "
            f"{quote(entry.column)} TYPE {self.name} does so"
        )


def domain_of(session: Session, copy: Table, entry: Entry) -> Domain | None:
    """Return the domain that the copy's column has; None where it has none, or one without a constraint."""
    found = session.working.execute(query("domain_of"), {"copy": copy.oid, "column": entry.column}).fetchone()
    return Domain(*found) if found else None
