"""PostgreSQL builds no index over a type that the access method cannot order, hash or take apart.

What it does
------------
Reports indexes, unique constraints and primary keys over columns whose type has no default operator class for the
access method, where none is named: `json` for any, geometric types for btree and hash, and plain text, numbers and
times for gin and gist, unless the index has several columns: extensions bring operator classes for those. Indexes of
views.

Why it is bad
-------------
The statement fails.

What to do instead
------------------
Make the column `jsonb`, or index an expression: `(body ->> 'id')`. Name the operator class that you mean, as in
`USING gin (note gin_trgm_ops)`.

When it does not apply
----------------------
Columns whose type is not known, and types that are not built in.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.new_columns import new_columns
from migrator.check.new_constraints import new_constraints
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of, type_sql
from migrator.sql.column_type import read_type
from migrator.sql.context import RelationKind
from migrator.sql.names import name_of, quote
from migrator.sql.parser import strings

HAZARD = Hazard.FAILS
_SETUP = "CREATE TABLE t (id int, body json, doc jsonb, note text, place point, tags text[]);"
BAD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (body);", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t (id, body);", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (note);", setup=_SETUP),
    Example(sql="CREATE UNIQUE INDEX CONCURRENTLY i ON t (place);", setup=_SETUP),
    Example(sql="CREATE TABLE n (body json UNIQUE);"),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (note gin_trgm_ops);", setup=_SETUP, complete=True),
    Example(sql="CREATE INDEX CONCURRENTLY i ON v (id);", setup=f"{_SETUP} CREATE VIEW v AS SELECT id FROM t;"),
)
GOOD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (doc);", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (tags, id);", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gin (note gin_trgm_ops);", setup=_SETUP),
    Example(
        sql="CREATE EXTENSION pg_trgm; CREATE INDEX CONCURRENTLY i ON t USING gin (note gin_trgm_ops);",
        setup=_SETUP,
        complete=True,
    ),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t USING gist (place);", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t ((body ->> 'id'));", setup=_SETUP),
    Example(sql="CREATE TABLE n (doc jsonb UNIQUE, id int PRIMARY KEY, body json);"),
)
_NEVER = frozenset({"json", "xml", "jsonpath"})
_GEOMETRY = frozenset({"point", "line", "lseg", "box", "path", "polygon", "circle"})
_RANGES = frozenset({"int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"})
_REFUSED = {
    "btree": _NEVER | _GEOMETRY | {"xid"},
    "hash": _NEVER | _GEOMETRY | {"money", "bit", "varbit", "tsvector", "tsquery"},
    "gin": _NEVER | _GEOMETRY,
    "gist": _NEVER | {"jsonb", "line", "lseg", "path"},
}
"""Types without an operator class, in PostgreSQL or in the extensions that come with it."""
_TAKES = {
    "gin": frozenset({"jsonb", "tsvector"}),
    "gist": frozenset({"box", "circle", "point", "polygon", "tsvector", "tsquery"})
    | _RANGES
    | {one.replace("range", "multirange") for one in _RANGES},
}
"""Types that PostgreSQL has a class for by itself, where extensions bring one for most others."""


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that cannot be indexed so."""
    if moment.statement.kind not in ("index_stmt", "create_stmt", "alter_table_stmt") or moment.conditional:
        return
    known = moment.schema.table(name_of(moment.tree.relation)) if moment.statement.kind == "index_stmt" else None
    if known is not None and known.kind is RelationKind.VIEW:
        yield Report(f"PostgreSQL refuses it: {known.name} is a view", "index the table that it reads")
    if moment.schema.complete and moment.statement.kind == "index_stmt":
        yield from _without_extension(moment)
    types = _types(moment)
    for method, columns, alone in _indexes(moment):
        for column in columns:
            if _refused(types.get(column, ""), method, alone=alone):
                yield Report(
                    f"PostgreSQL refuses it: {quote(column)} is {types[column]}, for which {method} has no default "
                    "operator class",
                    "name an operator class, index an expression, or change the type: jsonb instead of json",
                )


def _without_extension(moment: Moment) -> Iterator[Report]:
    for one in moment.tree.index_params:
        for name in strings(one.index_elem.opclass)[-1:]:
            extension = next((known for known, classes in _BROUGHT.items() if name in classes), None)
            if extension is not None and extension not in moment.schema.extensions:
                yield Report(
                    f"PostgreSQL refuses it: {name} comes with the extension {extension}, which nothing creates",
                    f"CREATE EXTENSION IF NOT EXISTS {extension};",
                )


_BROUGHT = {
    "pg_trgm": ("gin_trgm_ops", "gist_trgm_ops"),
    "vector": ("vector_l2_ops", "vector_ip_ops", "vector_cosine_ops"),
}
"""Operator classes of extensions."""


def _types(moment: Moment) -> dict[str, str]:
    """Return the types of the columns of the table, those that the statement adds included."""
    known = {one.name: one.type for one in moment.schema.known(name_of(moment.tree.relation)).columns}
    return known | {one.colname: type_sql(one.type_name) for _, one in new_columns(moment)}


def _indexes(moment: Moment) -> Iterator[tuple[str, list[str], bool]]:
    """Yield the access method and the columns of each index that the statement makes, and whether it is over one."""
    tree = moment.tree
    if moment.statement.kind == "index_stmt":
        elements = [one.index_elem for one in tree.index_params]
        yield tree.access_method, [one.name for one in elements if one.name and not one.opclass], len(elements) == 1
        return
    for node, column in new_constraints(moment):
        made = constraint_of(node, name_of(tree.relation), column)
        if made is not None and made.kind in ("unique", "primary key") and not node.indexname:
            yield "btree", list(made.columns), len(made.columns) == 1


def _refused(type_: str, method: str, *, alone: bool) -> bool:
    known = read_type(type_) if type_ else None
    if known is None or not known.built_in or method not in _REFUSED:
        return False
    if known.array:
        return method == "gist" and alone and known.name != "int4"  # for which intarray has a class
    return known.name in _REFUSED[method] or (alone and method in _TAKES and known.name not in _TAKES[method])
