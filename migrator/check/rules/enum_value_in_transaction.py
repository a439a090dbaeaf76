"""A new enum value cannot be used in the transaction that adds it.

What it does
------------
Reports `ALTER TYPE ... ADD VALUE` in a transaction before PostgreSQL 12, and from 12 on a statement of the same
transaction that uses the new label.

Why it is bad
-------------
PostgreSQL refuses: before 12 the ADD VALUE itself (25001), later the use of the label (55P04).

What to do instead
------------------
Add the value in a transaction, or revision, of its own, and use it in the next.

When it does not apply
----------------------
Types that the same transaction created. migrator commits the new value before it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.column_type import read_type
from migrator.sql.names import name_of
from migrator.sql.parser import Tree, constant_text, strings
from migrator.sql.parser import find as find_nodes

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; UPDATE shipments SET state = 'lost' WHERE id = 1; COMMIT;"),
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; COMMIT;", pg_version=11),
    Example(
        sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; ALTER TABLE shipments ALTER COLUMN state SET DEFAULT 'lost'; COMMIT;"
    ),
)
GOOD = (
    Example(
        sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; COMMIT; UPDATE shipments SET state = 'lost' WHERE id = 1;",
        runner="migrator",
    ),
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; COMMIT;"),
    Example(sql="ALTER TYPE s ADD VALUE 'lost'; UPDATE shipments SET state = 'lost' WHERE id = 1;"),
    Example(sql="ALTER TYPE s ADD VALUE 'lost';", pg_version=11),
)


_IN_TRANSACTION = 12


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement that PostgreSQL refuses."""
    adds = moment.statement.kind == "alter_enum_stmt" and not moment.tree.old_val
    if not moment.transaction.open or (adds and _is_new(moment)):
        return
    if adds and moment.version < _IN_TRANSACTION:
        yield Report("PostgreSQL refuses ADD VALUE inside a transaction before version 12", "commit before it")
    for enum, label in moment.transaction.enum_values:
        if not adds and any(_is_of(one, enum, label) for one in _constants(moment.tree)) and _takes_enums(moment):
            yield Report(
                f"PostgreSQL refuses the label '{label}' in the transaction that adds it (55P04)",
                f"COMMIT;\n{moment.statement.text};",
            )


def _constants(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield each text constant with the type that it is cast to, or nothing."""
    casts = [one for one in find_nodes(tree, "TypeCast") if constant_text(one.arg)]
    cast = {one.arg.a_const.location for one in casts}
    yield from ((constant_text(one.arg), strings(one.type_name.names)[-1]) for one in casts)
    yield from ((one.sval.sval, "") for one in find_nodes(tree, "A_Const") if one.location not in cast)


def _is_of(constant: tuple[str, str], enum: str, label: str) -> bool:
    text, type_name = constant
    return text == label and type_name in ("", enum)


def _takes_enums(moment: Moment) -> bool:
    """Say whether a label can be meant: not where rows go into a table whose columns are all of built-in types."""
    if moment.statement.kind not in ("insert_stmt", "update_stmt"):
        return True
    known = moment.schema.table(name_of(moment.tree.relation))
    types = [read_type(one.type) for one in known.columns] if known else []
    return not types or any(one is None or not one.built_in for one in types)


def _is_new(moment: Moment) -> bool:
    return strings(moment.tree.type_name)[-1] in moment.transaction.types
