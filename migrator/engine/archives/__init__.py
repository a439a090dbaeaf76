"""Keeps what a contract revision removes, so that contract can be undone until somebody purges it.

A column is copied into a table of schema `migrator_archive` (`columns`), a whole table or a type is moved there in the
transaction that would drop it (`tables`, `types`). What hangs on them, from indexes to views, is recorded as
statements. Undoing the revision brings the data back; when the dual writes are back as well, so that every row has its
values, `put_back` makes the rest again, online.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from psycopg import sql

from migrator.backfill.slices import forget_slices
from migrator.engine.archives import columns, tables, types
from migrator.engine.archives.entries import SCHEMA, ArchiveNameError, Entry, entries, kept_entries
from migrator.engine.events import Notice
from migrator.engine.own_changes import changing
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.postgres.definitions import altered, definitions, lost
from migrator.postgres.queries import query
from migrator.postgres.tables import Table
from migrator.sql.effects import Effect
from migrator.sql.names import quote

__all__ = ["SCHEMA", "ArchiveNameError", "Kept", "forget_copies", "keep", "put_back", "restore"]


_KEEPERS = {"column": columns.keep, "table": tables.keep, "type": types.keep}
_RESTORERS = {"column": columns.restore, "table": tables.restore}


class Kept(Protocol):
    """Something that is archived, or will be the moment it is dropped."""

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement drops it."""

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Do what belongs into the transaction of that statement, before it."""


def keep(session: Session, step: Revision, row: StepRow) -> list[Kept]:
    """Copy, or make ready, what the step archives, or what of it is not done yet.

    Raises:
        ArchiveNameError, NoKeyError, and what walking rows raises.
    """
    kept: list[Kept] = []
    for entry in entries(session, step, row):
        one: Kept | None = _KEEPERS[entry.kind](session, step, row, entry)
        if one:
            kept.append(one)
    return kept


def restore(session: Session, step: Revision, row: StepRow) -> str:
    """Bring back the data that the step has archived, after its downgrade; return what came back, in one clause."""
    found = kept_entries(session, row)
    kept_types = [entry for entry in found if entry.kind == "type"]
    for entry in kept_types:
        types.restore(session, entry)
    came = [_RESTORERS[entry.kind](session, step, row, entry) for entry in found if entry.kind != "type"]
    for entry in kept_types:
        types.drop_aside(session, entry)
    return ", ".join(filter(None, came))


def put_back(session: Session) -> None:
    """Make again what hung on the tables of undone steps, say which rows are not as they were, and end the copies."""
    for step, row, found in _undone(session):
        for entry in found:
            table = tables.at(session, entry.table) if entry.kind != "type" else None
            if table is not None:
                _make_again(session, step, row, entry, table)
                for text in columns.differences(session, entry, table) if entry.column else ():
                    session.emit(Notice(step=session.ref, text=text))
            _drop_copy(session, row, entry)
            session.working.execute(query("archive_delete"), {"name": entry.name})


def forget_copies(session: Session) -> None:
    """End the copies of steps that were undone and are done again; what hung on their tables stays recorded."""
    for _, row, found in _undone(session):
        for entry in found:
            _drop_copy(session, row, entry)


def _make_again(session: Session, step: Revision, row: StepRow, entry: Entry, table: Table) -> None:
    with changing(session.target):
        for one in lost(entry.definitions, definitions(session.working, table.oid, whole=not entry.column)):
            if one.kind != "identity":
                session.runner.send(f"{row.id}.{row.attempts} {one.kind} {one.name}", one.statement, step.location)
            elif one.name == f"{entry.table}.{quote(entry.column)}":
                columns.make_identity(session, step, row, entry, one)
        if entry.column:
            columns.keep_rules(session, step, row, entry, table)
    for was, now in altered(entry.definitions, definitions(session.working, table.oid, whole=not entry.column)):
        text = f"{was.kind} {was.name} is not as it was before contract: {now}; was: {was.statement}"
        session.emit(Notice(step=session.ref, text=text))


def _undone(session: Session) -> Iterator[tuple[Revision, StepRow, list[Entry]]]:
    assert session.run
    rows = session.ledger.steps(session.run.id)
    for row, (ref, step) in reversed(list(zip(rows, refs(session.plan), strict=True))):
        if row.state == "pending" and isinstance(step, Revision) and (found := kept_entries(session, row)):
            session.current = (ref, row)
            yield step, row, found


def _drop_copy(session: Session, row: StepRow, entry: Entry) -> None:
    if not entry.column:
        return  # a table is moved, never copied
    session.working.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, entry.name)))
    for purpose in ("archive", "restore", "default"):
        forget_slices(session.working, row.id, f"{purpose} {entry.number}")
