"""Archives a type: it is moved into the archive in the transaction that would drop it, and moved back.

An empty one takes its place for the statement to drop. Archived columns and tables keep the type that they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from migrator.engine.archives.entries import SCHEMA, Entry
from migrator.engine.events import Notice
from migrator.engine.session import Session
from migrator.errors import Location, RefusedError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.postgres.make_way import MAKE_WAY
from migrator.postgres.queries import query
from migrator.sql.effects import Effect
from migrator.sql.names import Name, quote, split_name


class TypeInUseError(RefusedError):
    """A type cannot be archived, because something that is not archived still has it.

    The type is moved into the archive as it is, with what uses it. Drop what still has it in the same revision, before
    the type; or leave the type where it is.
    """

    code = "MG339"


@dataclass(frozen=True, slots=True)
class KeptType:
    """A type that is moved into the archive the moment it is dropped."""

    name: Name
    archive: str
    where: Location

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement drops the type."""
        return any(one.kind in ("type", "domain") and one.name.same(self.name) for one in effect.drops)

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Move the type away and put an empty one in its place, for the statement to drop.

        Raises:
            TypeInUseError
        """
        del effect
        cursor.execute(query("users_of_type"), {"type": self.name.quoted()})
        if users := [user for (user,) in cursor.fetchall()]:
            raise TypeInUseError(
                f"type {self.name} cannot be archived: {', '.join(users)} still has it",
                where=self.where,
                notes=["the type was not dropped"],
                help="drop what has it before it, in the same revision, or leave the type out of the revision",
            )
        cursor.execute(query("twin_of_type"), {"type": self.name.quoted()})
        ((twin,),) = cursor.fetchall()
        for statement in (*_moved(self.name, Name(self.archive, SCHEMA)), twin):
            cursor.execute(statement)


def keep(session: Session, step: Revision, row: StepRow, entry: Entry) -> KeptType | None:
    """Return what moves the type when it is dropped; None where an earlier attempt has moved it."""
    del row
    there = _is_there(session, entry.table) and not _is_there(session, _archived(entry).quoted())
    return KeptType(split_name(entry.table), entry.name, step.location) if there else None


def restore(session: Session, entry: Entry) -> None:
    """Move the type back; one that the downgrade has made in its place is put aside until nothing has it any more."""
    if not _is_there(session, _archived(entry).quoted()):
        return
    name = split_name(entry.table)
    with session.working.transaction():
        session.working.execute(f"SET LOCAL lock_timeout = {round(session.lock_timeout * 1000)}")
        session.working.execute(MAKE_WAY)
        aside = _moved(name, _aside(entry)) if _is_there(session, entry.table) else ()
        for statement in (*aside, *_moved(_archived(entry), name)):
            session.working.execute(statement)


def drop_aside(session: Session, entry: Entry) -> None:
    """Drop the type that the downgrade made, or say what has it still: that was not archived."""
    try:
        session.working.execute(f"DROP TYPE IF EXISTS {_aside(entry).quoted()}")
    except psycopg.errors.DependentObjectsStillExist:
        found = session.working.execute(query("users_of_type"), {"type": _aside(entry).quoted()})
        users = ", ".join(user for (user,) in found)
        text = f"{users}: of the type that the downgrade made, now {_aside(entry).quoted()}, not of {entry.table}"
        session.emit(Notice(step=session.ref, text=text))


def _moved(one: Name, to: Name) -> tuple[str, str]:
    beside = one.beside(to.name).quoted()
    return (
        f"ALTER TYPE {one.quoted()} RENAME TO {quote(to.name)}",
        f"ALTER TYPE {beside} SET SCHEMA {quote(to.schema or 'public')}",
    )


def _is_there(session: Session, name: str) -> bool:
    return session.working.execute("SELECT to_regtype(%s) IS NOT NULL", (name,)).fetchone() == (True,)


def _archived(entry: Entry) -> Name:
    return Name(entry.name, SCHEMA)


def _aside(entry: Entry) -> Name:
    return Name(f"{entry.name}_aside", SCHEMA)
