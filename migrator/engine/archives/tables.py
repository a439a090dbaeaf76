"""Archives a whole table: it is moved into the archive in the transaction that would drop it, and moved back.

Nothing is copied. An empty table takes its place for the moment in which the revision's own statement drops it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from migrator.engine.archives.entries import SCHEMA, Entry
from migrator.engine.session import Session
from migrator.errors import RefusedError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.postgres.definitions import cascade_of, foreign_keys_of
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.sql.effects import Effect
from migrator.sql.names import quote, split_name


class NotEmptyError(RefusedError):
    """A table cannot come back from the archive, because the one that the downgrade made in its place has rows.

    Somebody has written into it already. Move these rows out of the way, and run the same command again; when the
    archived table is back they can be inserted into it.
    """

    code = "MG335"


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table that is moved into the archive the moment it is dropped."""

    table: Table
    archive: str

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement drops the table."""
        return any(one.kind == "table" and one.name.name == self.table.name for one in effect.drops)

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Move the table away and put an empty one in its place, for the statement to drop.

        Where others depend on it the statement decides: without CASCADE the server refuses it, as it always would.
        """
        dependents = cascade_of(cursor, self.table.oid)
        if dependents and not effect.cascades:
            return
        # As long as it points to others, they could not delete the rows it points to.
        for statement in (*dependents, *foreign_keys_of(cursor, self.table.oid)):
            cursor.execute(statement)
        name = self.table.identifier.as_string()
        renamed = sql.Identifier(self.table.schema, self.archive).as_string()
        cursor.execute(f"ALTER TABLE {name} RENAME TO {sql.Identifier(self.archive).as_string()}")
        cursor.execute(f"ALTER TABLE {renamed} SET SCHEMA {sql.Identifier(SCHEMA).as_string()}")
        cursor.execute(f"CREATE TABLE {name} ()")


def keep(session: Session, step: Revision, row: StepRow, entry: Entry) -> KeptTable | None:
    """Return what moves the table when it is dropped; None where an earlier attempt has moved it."""
    del step, row
    table = at(session, entry.table)
    return KeptTable(table, entry.name) if table is not None and at(session, _archived(entry)) is None else None


def restore(session: Session, step: Revision, row: StepRow, entry: Entry) -> str:
    """Move the table back in place of the empty one that the downgrade has made.

    Raises:
        NotEmptyError
    """
    del row
    archived, twin = at(session, _archived(entry)), at(session, entry.table)
    if archived is None:
        return ""
    was = split_name(entry.table)
    schema, name = quote(was.schema or "public"), quote(was.name)
    with session.working.transaction():
        session.working.execute(f"SET LOCAL lock_timeout = {round(session.lock_timeout * 1000)}")
        if twin is not None:
            session.working.execute(sql.SQL("LOCK TABLE {}").format(twin.identifier))
            if (
                session.working.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(twin.identifier)).fetchone()
                is not None
            ):
                raise NotEmptyError(
                    f"table {twin} has rows already",
                    where=step.location,
                    notes=[f"its rows before contract are in {_archived(entry)}"],
                    help="move them out of the way, and run the same command again",
                )
            session.working.execute(sql.SQL("DROP TABLE {} CASCADE").format(twin.identifier))
        session.working.execute(f"ALTER TABLE {_archived(entry)} SET SCHEMA {schema}")
        session.working.execute(f"ALTER TABLE {schema}.{entry.name} RENAME TO {name}")
    rows = f", about {archived.estimated_rows:,} rows" if archived.estimated_rows is not None else ""
    return f"table {was.name} is back from the archive{rows}"


def at(session: Session, name: str) -> Table | None:
    """Return the table of this name, if there is one."""
    try:
        return find_table(session.working, name)
    except UnknownTableError:
        return None


def _archived(entry: Entry) -> str:
    return f"{SCHEMA}.{entry.name}"
