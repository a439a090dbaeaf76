"""The statement of a chunk as `migrator plan` shows it; what is sent reads and moves the cursor as well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from psycopg import sql

from migrator.backfill.keyset import KeyRange, Keyset
from migrator.backfill.move import Move
from migrator.backfill.moves import Surroundings, kind_of
from migrator.backfill.pages import Pages
from migrator.engine.functions import load_function
from migrator.engine.target import Target
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, find_table
from migrator.sql.expression import parse_expression
from migrator.sql.tidy import tidy

FEW_ROWS = 100  # that are read as a whole as fast as an index is


def surroundings(target: Target, step: Backfill) -> Surroundings:
    """Return where the move of a step finds what it names."""
    return Surroundings(
        find=lambda name: find_table(target.asking, name, step.location),
        load=lambda name: load_function(target, step, name),
    )


def move_of(target: Target, step: Backfill) -> Move:
    """Return the move of a step, without an archive.

    Raises:
        UnknownTableError: a table is not there, perhaps not yet.
    """
    table = find_table(target.asking, step.table, step.location)
    return kind_of(step).make(step, table, surroundings(target, step))


def chunk_shown(move: Move) -> str:
    """Return the statement with `:first` and `:last` for the keys of a chunk."""
    keyset = Keyset(move.table, move.table.key) if move.table.key else Pages(move.table)
    first, last = sql.SQL("$1"), sql.SQL("$2")
    within = KeyRange(sql.SQL("{} BETWEEN {} AND {}").format(keyset.row(), first, last), first, last)
    names = ["first", "last"]

    def numbered(found: re.Match[str]) -> str:
        names.append(found[1])
        return f"${len(names)}"

    text = re.sub(r"%\((\w+)\)s", numbered, move.statement(within).as_string()).replace("%%", "%")
    shown = tidy(text).removesuffix(" RETURNING 1")
    return re.sub(r"\$(\d+)", lambda found: f":{names[int(found[1]) - 1]}", shown)


def consequences(target: Target, step: Backfill, table: Table) -> Iterator[str]:
    """Yield what a step does beside what its statement says."""
    if step.python:
        yield f"the values come from {step.python}, which reads {', '.join(step.read)}; nothing is locked meanwhile"
    if step.delete:
        others = [name for (name,) in target.asking.execute(query("cascades_to"), {"oid": table.oid})]
        if others:
            yield f"with its rows, rows of {', '.join(others)} are deleted or changed, as foreign keys say"
    if step.source and step.join:
        yield from _without_index(target, step.source, step.join)
    if step.archive:
        yield f"archives rows of {', '.join(step.archive)}: it can be undone until migrator purge"


def _without_index(target: Target, source: str, join: str) -> Iterator[str]:
    """Yield what follows where no index finds the row of another table that goes with one."""
    table = find_table(target.asking, source)
    leading = {name for (name,) in target.asking.execute(query("leading_columns"), {"oid": table.oid})}
    named = {one.column for one in parse_expression(join).columns if one.table in (None, table.name)}
    if not leading & named and (table.estimated_rows or 0) > FEW_ROWS:
        yield f"no index of {table} begins with a column of the join, so all of it is read for each row: make one first"
