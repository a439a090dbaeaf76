"""Compares the schema before a revision with the one after its upgrade and downgrade: what came back otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.schema.columns import plain_default
from migrator.check.schema.schema import Schema
from migrator.sql.column_type import read_type
from migrator.sql.context import Column, Constraint, RelationKind, Table


def differences(before: Schema, after: Schema) -> Iterator[str]:
    """Yield what differs in tables that were known before and are there again.

    Objects that are left over as a whole are for the tally of what was made and removed. It does not see that what IF
    NOT EXISTS or OR REPLACE would make was there before.
    """
    yield from (f"function {name} is not made again" for name in before.signatures if not after.functions(name))
    for table in before.every():
        now = after.table(table.name)
        if now is None and (table.columns or table.kind is not RelationKind.TABLE):
            yield f"{table.kind.value} {table.name} is not made again"
        if now is not None:
            kept = [column for column in table.columns if now.column(column.name)]
            gone = (column for column in table.columns if column not in kept)
            yield from (f"column {table.name}.{column.name} is not made again" for column in gone)
            yield from (words for column in kept for words in _of_default(table, column, before, after))
        if now is table or now is None or not table.columns:
            continue
        for column in table.columns:
            other = now.column(column.name)
            if other is not None:
                yield from _of_column(table, column, other)
        yield from _of_constraints(table, now)
        yield from _of_indexes(table, now)
    for view, known in before.views.items():
        again = after.views.get(view)
        if again is not None and None not in (known.output, again.output) and again.output != known.output:
            yield f"view {view} has other columns"


def _of_column(table: Table, before: Column, after: Column) -> Iterator[str]:
    if before.type and after.type and read_type(before.type) != read_type(after.type):
        yield f"{table.name}.{before.name} is {after.type} and was {before.type}"
    if before.not_null != after.not_null:
        yield f"{table.name}.{before.name} is {'' if after.not_null else 'no longer '}NOT NULL"


def _of_default(table: Table, column: Column, before: Schema, after: Schema) -> Iterator[str]:
    key = (table.name.name, column.name)
    if (key in before.defaults) != (key in after.defaults):
        yield f"{table.name}.{column.name} has {'a default now' if key in after.defaults else 'no default any more'}"
    elif _default(before, key, "") != _default(after, key, before.default_texts.get(key, "")):
        yield f"{table.name}.{column.name} has another default"


def _default(schema: Schema, key: tuple[str, str], unknown: str) -> str:
    return plain_default(schema.default_texts.get(key, unknown))


def _of_constraints(table: Table, now: Table) -> Iterator[str]:
    old = {one.name: one for one in table.constraints if one.kind != "not null"}
    new = {one.name: one for one in now.constraints if one.kind != "not null"}
    lost = {name: one for name, one in old.items() if name not in new}
    left = {name: one for name, one in new.items() if name not in old}
    alike = {_content(one) for one in lost.values()} & {_content(one) for one in left.values()}
    yield from (
        f"constraint {name} of {table.name} is not made again"
        for name, one in lost.items()
        if _content(one) not in alike
    )
    yield from (
        f"constraint {name} of {table.name} is still there" for name, one in left.items() if _content(one) not in alike
    )
    for name in old.keys() & new.keys():
        if _content(old[name]) != _content(new[name]):
            yield f"constraint {name} of {table.name} is another one"


def _content(one: Constraint) -> tuple[object, ...]:
    return one.kind, one.columns, one.expression, one.references and one.references.name, one.actions


def _of_indexes(table: Table, now: Table) -> Iterator[str]:
    new = {one.name.name: one for one in now.indexes}
    for index in table.indexes:
        other = new.get(index.name.name)
        if other is None and not index.constraint and all(map(now.column, index.columns)):
            yield f"index {index.name.name} is not made again"
        if other is None or index.constraint:
            continue
        if not (index.expressions or other.expressions) and (index.columns, index.unique) != (
            other.columns,
            other.unique,
        ):
            over = f"{'unique, ' if other.unique else ''}over ({', '.join(other.columns)})"
            yield f"index {index.name} is {over} now"
        elif index.partial != other.partial:
            yield f"index {index.name} is {'partial' if other.partial else 'over all rows'} now"
