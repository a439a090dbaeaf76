"""Archives a column: it is copied into a table of its own, keyed by the primary key, before the revision drops it.

A trigger keeps the copy right from the moment it is begun, a backfill brings what was there before. The trigger goes in
the transaction that drops the column. Undoing the revision fills the column, which came back empty, from the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migrator.backfill.dual_write import DualWrite
from migrator.backfill.moves.assign import Assign
from migrator.backfill.moves.insert import Insert
from migrator.backfill.refill import Refill
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.engine import dual_writes as triggers
from migrator.engine import rows
from migrator.engine.archives import domains, identities
from migrator.engine.archives.entries import SCHEMA, Entry
from migrator.engine.archives.tables import at
from migrator.engine.events import Notice
from migrator.engine.session import Session
from migrator.errors import UnavailableError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.postgres.definitions import Definition, definitions, lost
from migrator.postgres.tables import Table, find_table, require_key
from migrator.sql.effects import Effect
from migrator.sql.names import Name, quote

NO_RESOURCES = "53"
"""The class of SQLSTATE for a full disk, no memory, too many connections."""
ROWS, TARGET = 10_000, 0.5  # as a backfill step has them by default
SHOWN = 10  # keys of rows that are named


class ArchiveRoomError(UnavailableError):
    """A column could not be archived: the server has no room for the copy.

    Nothing was dropped. The copy was given up together with its trigger, because the application's own writes would
    fail for it. Make room on the disk of the default tablespace, and run the same command again.
    """

    code = "MG218"


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """A column whose copy is complete and kept right by a trigger."""

    column: str
    dual: DualWrite

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement drops the column."""
        table = Name(self.dual.table.name, self.dual.table.schema)
        return any(
            one.name.same(table) and (one.member is None or (one.kind == "column" and one.member == self.column))
            for one in effect.drops
        )

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Drop the trigger in the transaction of `cursor`."""
        del effect
        for statement in self.dual.remove():
            cursor.execute(statement.as_string())
        assert self.dual.into
        identities.keep(cursor, self.dual.table.oid, self.column, self.dual.into.name)


def keep(session: Session, step: Revision, row: StepRow, entry: Entry) -> KeptColumn | None:
    """Copy the column, or what of it is not copied yet; None where an earlier attempt has dropped it, copy complete.

    Raises:
        NoKeyError, and what walking rows raises.
    """
    table = find_table(session.working, entry.table, step.location)
    column = table.column(entry.column)
    if column is None:
        return None
    copy = _make_copy(session, step, table, entry)
    dual = _dual(row, table, entry, copy)
    triggers.change(session, dual, dual.install(), None, step.location)
    keys = {key.name: _quoted(key.name) for key in table.key}
    # Where rows of later will get the default, NULL has to be told from what was not there.
    where = None if column.default else f"{_quoted(column.name)} IS NOT NULL"
    move = Insert(table=table, set={**keys, column.name: _quoted(column.name)}, where=where, into=copy)
    purpose = f"archive {entry.number}"
    try:
        rows.fill(session, row, move, ChunkSize(ROWS, TARGET), purpose=purpose, where=step.location)
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(NO_RESOURCES):
            raise
        # The application's own transactions write into the copy: they must not fail for it.
        triggers.change(session, dual, dual.remove(), None, step.location)
        session.working.execute(sql.SQL("DROP TABLE {}").format(copy.identifier))
        forget_slices(session.working, row.id, purpose)
        raise ArchiveRoomError(
            f"{table}.{column.name} could not be archived: {error.diag.message_primary or error}",
            where=step.location,
            notes=["nothing was dropped, and the copy was given up: the application writes as before"],
            help=f"make room, and run the same command again: migrator {session.target.command} {session.plan.plan}",
        ) from error
    return KeptColumn(column.name, dual)


def restore(session: Session, step: Revision, row: StepRow, entry: Entry) -> str:
    """Fill the column from its copy, having made it again where the downgrade did not, or with another type."""
    copy = at(session, f"{SCHEMA}.{entry.name}")
    if copy is None:
        return ""
    kept = copy.column(entry.column)
    assert kept
    table = find_table(session.working, entry.table, step.location)
    found = table.column(entry.column)
    domain = domains.domain_of(session, copy, entry)
    declared = domain.type if domain and domain.is_long_to_add(session, table) else kept.declared
    if found is None or found.declared != declared or found.identity:
        _add(session, step, row, entry, declared, anew=found is not None)
        table = find_table(session.working, entry.table, step.location)
    keys = {key.name: key.name for key in table.key}
    refill = Refill(table=table, set={entry.column: _quoted(entry.column)}, source=copy, key=keys)
    size = ChunkSize(ROWS, TARGET)
    walked = rows.fill(session, row, refill, size, purpose=f"restore {entry.number}", where=step.location)
    _fill_default(session, step, row, entry, copy)
    # Now that it is filled: as long as the column is there it writes into the copy, in the application's transactions.
    dual = _dual(row, table, entry, copy)
    triggers.change(session, dual, dual.remove(), None, step.location)
    return f"{walked.rows_changed:,} rows filled from the archive"


def make_identity(session: Session, step: Revision, row: StepRow, entry: Entry, one: Definition) -> None:
    """Make the column an identity again, which goes on behind the values that were given until now."""
    copy = at(session, f"{SCHEMA}.{entry.name}")
    if copy is not None and identities.default(session, entry):
        dual = _dual(row, find_table(session.working, entry.table), entry, copy)
        triggers.change(session, dual, identities.again(entry, one), None, step.location)


def keep_rules(session: Session, step: Revision, row: StepRow, entry: Entry, table: Table) -> None:
    """Let the column keep the rules of the domain that it could not come back as, and say so."""
    copy = at(session, f"{SCHEMA}.{entry.name}")
    domain = domains.domain_of(session, copy, entry) if copy is not None else None
    column = table.column(entry.column)
    if domain is None or column is None or column.type == domain.name:
        return
    name = f"{row.id}.{row.attempts} domain {entry.number}"
    if domain.default and not column.default:
        statement = f"ALTER TABLE {entry.table} ALTER COLUMN {_quoted(column.name)} SET DEFAULT {domain.default}"
        session.runner.send(f"{name} default", statement, step.location)
    for one in lost([domain.check(entry)], definitions(session.working, table.oid)):
        session.runner.send(name, one.statement, step.location)
    session.emit(Notice(step=session.ref, text=domain.told(entry)))


def differences(session: Session, entry: Entry, table: Table) -> Iterator[str]:
    """Yield what is not as it was before contract: rows changed and rows inserted since, with keys of some."""
    copy = at(session, f"{SCHEMA}.{entry.name}")
    if copy is None or table.column(entry.column) is None:
        return
    keys = sql.SQL(", ").join(sql.Identifier("t", key.name) for key in table.key)
    names = {
        "t": table.identifier,
        "a": copy.identifier,
        "key": sql.SQL("concat_ws(', ', {})").format(keys),
        "matched": sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("a", key.name), sql.Identifier("t", key.name)) for key in table.key
        ),
        "now": sql.Identifier("t", entry.column),
        "was": sql.Identifier("a", entry.column),
    }
    changed = sql.SQL("FROM {t} t JOIN {a} a ON {matched} WHERE {now} IS DISTINCT FROM {was}").format(**names)
    fresh = sql.SQL("FROM {t} t WHERE {now} IS NOT NULL AND NOT EXISTS (SELECT FROM {a} a WHERE {matched})").format(
        **names
    )
    session.working.execute("SET statement_timeout = 0")
    what = f"{table}.{entry.column}"
    for found, words in ((changed, "changed since contract"), (fresh, "without a value before contract, with one now")):
        count = session.working.execute(sql.SQL("SELECT count(*) {}").format(found)).fetchone()
        assert count
        if count[0]:
            first = sql.SQL("SELECT {} {} LIMIT {}").format(names["key"], found, sql.Literal(SHOWN))
            shown = "; ".join(str(key) for (key,) in session.working.execute(first))
            more = "; ..." if count[0] > SHOWN else ""
            yield f"{what}: {count[0]:,} row{'s' if count[0] > 1 else ''} {words}: {shown}{more}"


def _fill_default(session: Session, step: Revision, row: StepRow, entry: Entry, copy: Table) -> None:
    """Give rows that were inserted since contract the column's default as it was."""
    table, column = find_table(session.working, entry.table), _quoted(entry.column)
    domain = domains.domain_of(session, copy, entry)
    made = [one for one in entry.definitions if one.kind == "default" and one.name.endswith(f".{quote(entry.column)}")]
    own = made[0].statement.partition(" SET DEFAULT ")[2] if made else identities.default(session, entry)
    default = own or (domain.default if domain else None)
    if not default:
        return
    _bring_sequence(session, step, row, entry, default)
    matched = " AND ".join(
        f"migrator_copy.{_quoted(one.name)} = {_quoted(table.name)}.{_quoted(one.name)}" for one in copy.key
    )
    where = (
        f"{column} IS NULL AND NOT EXISTS (SELECT FROM {copy.identifier.as_string()} AS migrator_copy WHERE {matched})"
    )
    move = Assign(table=table, set={entry.column: default}, where=where)
    rows.fill(session, row, move, ChunkSize(ROWS, TARGET), purpose=f"default {entry.number}", where=step.location)


def _bring_sequence(session: Session, step: Revision, row: StepRow, entry: Entry, default: str) -> None:
    """Make the sequence again that the default takes its values from, and let it go on behind those there are."""
    for one in entry.definitions:
        if one.kind != "sequence" or f"'{one.name}'" not in default:
            continue
        session.runner.send(f"{row.id}.{row.attempts} {one.kind} {one.name}", one.statement, step.location)
        behind = f"SELECT setval(%s, max({_quoted(entry.column)})) FROM {entry.table}"
        session.working.execute(sql.SQL(behind), (one.name,))


def _make_copy(session: Session, step: Revision, table: Table, entry: Entry) -> Table:
    """Return the table that holds the copy, made where it is not there."""
    column = table.column(entry.column)
    assert column
    columns = [*require_key(table, step.location), column]
    typed = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(one.declared)) for one in columns
    )
    keys = sql.SQL(", ").join(sql.Identifier(one.name) for one in table.key)
    session.working.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
            sql.Identifier(SCHEMA, entry.name), typed, keys
        )
    )
    return find_table(session.working, f"{SCHEMA}.{entry.name}")


def _add(session: Session, step: Revision, row: StepRow, entry: Entry, kind: str, *, anew: bool) -> None:
    """Add the column with the type that it had; one that the downgrade has added with another is still empty."""
    column = _quoted(entry.column)
    drop = f"DROP COLUMN {column}, " if anew else ""
    name = f"{row.id}.{row.attempts} column {entry.number}"
    statement = f"ALTER TABLE {entry.table} {drop}ADD COLUMN {column} {kind}"
    session.runner.send(name, statement, step.location, plain="the type is the one that it had")
    if default := identities.default(session, entry):
        statement = f"ALTER TABLE {entry.table} ALTER COLUMN {column} SET DEFAULT {default}"
        session.runner.send(f"{name} default", statement, step.location)


def _dual(row: StepRow, table: Table, entry: Entry, copy: Table) -> DualWrite:
    return DualWrite(
        name=f"{triggers.NAME_PREFIX}archive_{row.id}_{entry.number}",
        table=table,
        forward={entry.column: _quoted(entry.column)},
        backward={},
        sources=frozenset({entry.column}),
        search_path="''",
        into=copy,
        key={key.name: key.name for key in table.key},
    )


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
