"""The entries of `archive`: what each names, and where in the archive it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

from migrator.engine.session import Session
from migrator.errors import RefusedError, UsageError
from migrator.ledger.ledger import StepRow
from migrator.plan import identifiers
from migrator.plan.steps.revision import Revision
from migrator.postgres.definitions import Definition, definitions
from migrator.postgres.queries import query
from migrator.postgres.rights import create_schema
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.sql.names import Name, quote

SCHEMA = "migrator_archive"
PARTITION = "partition"
"""The kind of a definition in the ledger that says what a partition is called in the archive."""
RENAMED = "renamed"
"""The same of an index or a sequence, whose own name the archive has already."""


class ArchiveNameError(UsageError):
    """`archive` names something that is neither a table, a column of one nor a type, or that cannot be archived.

    Write `table`, `table.column`, `schema.table.column` or the name of an enum, a domain or a composite type. A table
    whose columns are archived needs a primary key: the copy is kept by it.
    """

    code = "MG165"


class ArchiveTakenError(RefusedError):
    """The place in the archive is taken by something that the ledger did not put there.

    That happens when the ledger was made anew and the archive stayed. Give what is there another name, or drop it.
    """

    code = "MG340"


@dataclass(frozen=True, slots=True)
class Entry:
    """A column, a whole table or a type, and the table or type `name` of the archive that keeps it.

    `table` is SQL with its schema, of a type that type's name; `column` is empty but for a column. `definitions` are
    what hung on the table before the step; `partitions` are SQL with the schema, each with its name in the archive,
    and so are the indexes and sequences that were `renamed`.
    """

    number: int
    name: str
    table: str
    column: str
    kind: str
    definitions: tuple[Definition, ...] = ()
    partitions: tuple[tuple[str, str], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def entries(session: Session, step: Revision, row: StepRow) -> Iterator[Entry]:
    """Yield what the step archives, each noted in the ledger with what hangs on its table.

    Raises:
        ArchiveNameError: there is no such thing, and no earlier attempt has archived it.
    """
    known = {entry.number: entry for entry in kept_entries(session, row)}
    for number, text in enumerate(step.archive):
        yield known.get(number) or _noted(session, step, row, number, text)


def kept_entries(session: Session, row: StepRow) -> list[Entry]:
    """Return what the ledger says is archived of a step, or made ready to be."""
    found = session.working.execute(query("archive_entries"), {"step": row.id}).fetchall()
    return [_entry(*row) for row in found]


def _entry(name: str, table: str, column: str, documents: list[dict[str, str]], kind: str) -> Entry:
    made = [Definition(**one) for one in documents]
    hung = tuple(one for one in made if one.kind not in (PARTITION, RENAMED))
    partitions, renamed = (
        tuple((one.name, one.statement) for one in made if one.kind == told) for told in (PARTITION, RENAMED)
    )
    return Entry(int(name.rpartition("_")[2]), name, table, column, kind, hung, partitions, renamed)


def _noted(session: Session, step: Revision, row: StepRow, number: int, text: str) -> Entry:
    found, column = _look_up(session.working, step, text)
    made = definitions(session.working, found.oid, whole=not column) if isinstance(found, Table) else []
    name = Name(found.name, found.schema).quoted()
    kind = "column" if column else "table" if isinstance(found, Table) else "type"
    entry = Entry(number, f"step_{row.id}_{number}", name, column, kind, tuple(made))
    documents = Jsonb([{"kind": one.kind, "name": one.name, "statement": one.statement} for one in made])
    what = {"step": row.id, "name": entry.name, "table": entry.table, "column": column, "definitions": documents}
    with session.working.transaction():
        create_schema(session.working, SCHEMA)
        _refuse_taken(session.working, entry, step)
        session.working.execute(query("archive_insert"), {**what, "kind": kind})
    return entry


def _refuse_taken(connection: psycopg.Connection, entry: Entry, step: Revision) -> None:
    name = f"{SCHEMA}.{entry.name}"
    relation, of_type = connection.execute("SELECT to_regclass(%s), to_regtype(%s)", (name, name)).fetchone() or ()
    if relation or of_type:
        what = "TABLE" if relation else "TYPE"
        raise ArchiveTakenError(
            f"cannot archive {entry.table}: {name}, where it would be kept, is there already",
            where=step.location,
            notes=["nothing was dropped", "this ledger does not know it: it is of another one, or made by hand"],
            help=f"if it is still needed: ALTER {what} {name} RENAME TO {entry.name}_of_before; otherwise drop it",
        )


def _look_up(connection: psycopg.Connection, step: Revision, text: str) -> tuple[Table | Name, str]:
    """Return the table, and the column or an empty text; or the name of a type."""
    *before, last = identifiers(text)
    for parts, column in ((before, last), ([*before, last], "")):
        try:
            table = find_table(connection, ".".join(map(quote, parts))) if parts else None
        except UnknownTableError:
            continue
        if table is not None and (not column or table.column(column)):
            return table, column
    found = connection.execute(query("type_of"), {"name": ".".join(map(quote, (*before, last)))}).fetchone()
    if found is not None:
        return Name(found[1], found[0]), ""
    raise ArchiveNameError(
        f"cannot archive {text}: there is no such table, no such column of a table and no such type",
        where=step.location,
        notes=["nothing was dropped"],
        help="write table, table.column, schema.table.column or type",
    )
