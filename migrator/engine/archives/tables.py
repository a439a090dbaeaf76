"""Archives a whole table: it is moved into the archive in the transaction that would drop it, and moved back.

Nothing is copied. An empty table takes its place for the moment in which the revision's own statement drops it. The
partitions of a table move with it, attached as they are; its indexes and sequences too, and where the archive has
one of that name they are called otherwise there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from migrator.engine.archives.entries import PARTITION, RENAMED, SCHEMA, Entry
from migrator.engine.session import Session
from migrator.errors import RefusedError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.postgres.definitions import cascade_of, foreign_keys_of, partitions
from migrator.postgres.make_way import MAKE_WAY
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.sql.effects import Effect
from migrator.sql.names import Name, quote, split_name


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
        table = Name(self.table.name, self.table.schema)
        return any(one.kind == "table" and one.name.same(table) for one in effect.drops)

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Move the table away and put an empty one in its place, for the statement to drop.

        Where others depend on it the statement decides: without CASCADE the server refuses it, as it always would.
        """
        below = [one for one in partitions(cursor, self.table.oid) if one.schema != SCHEMA]
        oids = [self.table.oid, *(one.oid for one in below)]
        dependents = [statement for oid in oids for statement in cascade_of(cursor, oid)]
        if dependents and not effect.cascades:
            return
        # As long as it points to others, they could not delete the rows it points to.
        for statement in dict.fromkeys(dependents):
            cursor.execute(statement)
        for oid in oids:
            for statement in foreign_keys_of(cursor, oid):
                cursor.execute(statement)
        moved = [
            (one.oid, Name(one.name, one.schema), f"{self.archive}_{number}") for number, one in enumerate(below, 1)
        ]
        noted = [{"kind": PARTITION, "name": name.quoted(), "statement": archived} for _, name, archived in moved]
        own = Name(self.table.name, self.table.schema)
        for oid, name, archived in (*moved, (self.table.oid, own, self.archive)):
            cursor.execute(query("names_taken_in_archive"), {"oid": oid})
            for number, taken in enumerate([name.beside(one) for (one,) in cursor.fetchall()], 1):
                other = f"{archived}_name_{number}"
                cursor.execute(f"ALTER TABLE {taken.quoted()} RENAME TO {quote(other)}")
                noted.append({"kind": RENAMED, "name": taken.quoted(), "statement": other})
            cursor.execute(f"ALTER TABLE {name.quoted()} RENAME TO {quote(archived)}")
            cursor.execute(f"ALTER TABLE {name.beside(archived).quoted()} SET SCHEMA {SCHEMA}")
        cursor.execute(f"CREATE TABLE {own.quoted()} ()")
        cursor.execute(query("archive_set_names"), {"name": self.archive, "names": json.dumps(noted)})


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
    with session.working.transaction():
        session.working.execute(f"SET LOCAL lock_timeout = {round(session.lock_timeout * 1000)}")
        session.working.execute(MAKE_WAY)
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
        for table, kept in ((entry.table, entry.name), *entry.partitions):
            was = split_name(table)
            session.working.execute(f"ALTER TABLE {SCHEMA}.{kept} SET SCHEMA {quote(was.schema or 'public')}")
            session.working.execute(f"ALTER TABLE {was.beside(kept).quoted()} RENAME TO {quote(was.name)}")
        for name, kept in entry.renamed:
            was = split_name(name)
            session.working.execute(f"ALTER TABLE {was.beside(kept).quoted()} RENAME TO {quote(was.name)}")
    rows = f", about {archived.estimated_rows:,} rows" if archived.estimated_rows is not None else ""
    return f"table {split_name(entry.table).name} is back from the archive{rows}"


def at(session: Session, name: str) -> Table | None:
    """Return the table of this name, if there is one."""
    try:
        return find_table(session.working, name)
    except UnknownTableError:
        return None


def _archived(entry: Entry) -> str:
    return f"{SCHEMA}.{entry.name}"
