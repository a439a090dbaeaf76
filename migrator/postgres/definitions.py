"""What hangs on a table, each thing as the statement that makes it again; not when it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psycopg

from migrator.postgres.queries import named

_OVERWRITE = frozenset({"default", "statistics target", "options", "state of trigger", "comment", "owner"})
"""Kinds whose statement is right also where there is something else in their place."""


@dataclass(frozen=True, slots=True)
class Definition:
    """An object, or a property of one, and the statement that makes it. Every name in it has its schema."""

    kind: str
    name: str
    statement: str


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table, by oid, schema and name."""

    oid: int
    schema: str
    name: str


def definitions(connection: psycopg.Connection, oid: int, *, whole: bool = False) -> list[Definition]:
    """Return what hangs on the table `oid` in the order in which it can be made again.

    Args:
        whole: also what hangs on its partitions.
    """
    oids = [oid, *(one.oid for one in partitions(connection.cursor(), oid))] if whole else [oid]
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        found = connection.execute(named("definitions.sql")["definitions_of"], {"oids": oids}).fetchall()
    return [Definition(*row) for row in dict.fromkeys(found)]


def partitions(cursor: psycopg.Cursor, oid: int) -> list[Partition]:
    """Return the partitions of the table `oid` at all levels, those of a partition behind it."""
    cursor.execute(named("definitions.sql")["partitions_of"], {"oid": oid})
    return [Partition(*row) for row in cursor.fetchall()]


def lost(before: Iterable[Definition], now: Iterable[Definition]) -> Iterator[Definition]:
    """Yield what was there `before` and is not there `now`, in the order in which it can be made again."""
    there = {(one.kind, one.name): one.statement for one in now}
    for one in before:
        found = there.get((one.kind, one.name))
        unfinished = found == f"{one.statement} NOT VALID"
        if found is None or unfinished or (found != one.statement and one.kind in _OVERWRITE):
            yield one


def altered(before: Iterable[Definition], now: Iterable[Definition]) -> Iterator[tuple[Definition, str]]:
    """Yield what was there `before` and is there with another definition `now`, with that."""
    there = {(one.kind, one.name): one.statement for one in now}
    for one in before:
        found = there.get((one.kind, one.name), one.statement)
        if found != one.statement:
            yield one, found


def cascade_of(cursor: psycopg.Cursor, oid: int) -> list[str]:
    """Return the statements that drop what keeps a table from being dropped: foreign keys of others, and views."""
    return _statements(cursor, "cascade_of", oid)


def foreign_keys_of(cursor: psycopg.Cursor, oid: int) -> list[str]:
    """Return the statements that drop the foreign keys by which a table points to others."""
    return _statements(cursor, "foreign_keys_of", oid)


def copies_of_identity(cursor: psycopg.Cursor, oid: int, column: str, sequence: str, copy: str) -> list[str]:
    """Return the statements that make `sequence`, of the table `copy`, which goes on where the column's own stands.

    Whoever inserts into the table may take its values. None where the column is no identity.
    """
    return _statements(cursor, "copies_of_identity", oid, column=column, sequence=sequence, copy=copy)


def _statements(cursor: psycopg.Cursor, name: str, oid: int, **more: str) -> list[str]:
    cursor.execute(named("definitions.sql")[name], {"oid": oid, **more})
    return [text for (text,) in cursor.fetchall()]
