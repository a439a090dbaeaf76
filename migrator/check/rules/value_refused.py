"""A row that an INSERT or UPDATE writes cannot be stored.

What it does
------------
Reports constants in `INSERT ... VALUES` and `UPDATE ... SET` that the column does not take: no value of its type, too
long or out of range, NULL where it is NOT NULL, refused by a check, or anything at all for a generated column; more
values than columns; the same key twice; and `ON CONFLICT` with columns that nothing unique is over.

Why it is bad
-------------
PostgreSQL refuses the statement, and with it the script, or the revision.

What to do instead
------------------
Write a value that the column takes; make the unique index that ON CONFLICT names before.

When it does not apply
----------------------
Columns of which nothing told the type, values that are computed, and, for NULL and checks, tables with triggers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrator.check.assignment import overflow, refusal
from migrator.check.finding import Hazard
from migrator.check.literals import value_of
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.value_checks import refuses
from migrator.sql.context import Column, RelationKind, Table
from migrator.sql.names import name_of, quote
from migrator.sql.parser import Tree, constant_text, field_enum, kind_of

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE TABLE t (id int PRIMARY KEY, m mood, size smallint, "
    "code varchar(4) NOT NULL DEFAULT '', n int CHECK (n > 0), two int GENERATED ALWAYS AS (n * 2) STORED, "
    "own int GENERATED ALWAYS AS IDENTITY);"
)
BAD = (
    Example(sql="INSERT INTO t (id, m) VALUES (1, 'ok'), (2, 'fine');", setup=_SETUP),
    Example(sql="INSERT INTO t VALUES (1, 'ok', 70000);", setup=_SETUP),
    Example(sql="INSERT INTO t (id, code) VALUES (1, 'too long');", setup=_SETUP),
    Example(sql="INSERT INTO t (id, n) VALUES (1, 0);", setup=_SETUP),
    Example(sql="INSERT INTO t (id, two) VALUES (1, 2);", setup=_SETUP),
    Example(sql="INSERT INTO t (id, own) VALUES (1, 2);", setup=_SETUP),
    Example(sql="INSERT INTO t (id) VALUES (1, 2);", setup=_SETUP),
    Example(sql="INSERT INTO t (id, n) VALUES (1, 1), (2, 2), (1, 3);", setup=_SETUP),
    Example(sql="INSERT INTO t (id, n) VALUES (1, 1) ON CONFLICT (n) DO NOTHING;", setup=_SETUP),
    Example(sql="UPDATE t SET m = 'fine' WHERE id = 1;", setup=_SETUP),
    Example(sql="UPDATE t SET m = 'ok'::text WHERE id = 1;", setup=_SETUP),
    Example(sql="UPDATE t SET code = NULL WHERE id = 1;", setup=_SETUP),
)
GOOD = (
    Example(
        sql="UPDATE t SET tags[1] = 'a' WHERE id = 1; INSERT INTO t (id, tags[1]) VALUES (2, 'a');",
        setup="CREATE TABLE t (id int PRIMARY KEY, tags text[]);",
    ),
    Example(sql="INSERT INTO t (id, m, code) VALUES (1, 'ok', 'abcd'), (2, NULL, 'abc    ');", setup=_SETUP),
    Example(sql="INSERT INTO t (id, two) VALUES (1, DEFAULT) ON CONFLICT (id) DO NOTHING;", setup=_SETUP),
    Example(sql="INSERT INTO t (id) VALUES (1), (1) ON CONFLICT DO NOTHING;", setup=_SETUP),
    Example(sql="INSERT INTO t (id, own) OVERRIDING SYSTEM VALUE VALUES (1, 2);", setup=_SETUP),
    Example(sql="INSERT INTO t (id) VALUES ('1'), (2) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING;", setup=_SETUP),
    Example(sql="UPDATE t SET size = '7', n = n + 1, m = lower('OK')::mood WHERE id = 1;", setup=_SETUP),
    Example(sql="UPDATE unknown SET m = 'fine' WHERE id = 1;", setup=_SETUP),
    Example(
        sql="UPDATE t SET code = NULL, n = 0 WHERE id = 1;",
        setup=f"{_SETUP} CREATE TRIGGER fill BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fill();",
    ),
)
_OTHERWISE = "write what the column takes"


def find(moment: Moment) -> Iterator[Report]:
    """Yield each value that cannot be written."""
    if moment.statement.kind not in ("insert_stmt", "update_stmt") or moment.conditional:
        return
    table = moment.schema.table(name_of(moment.tree.relation))
    if table is None or table.kind is not RelationKind.TABLE or table.parents or not table.columns:
        return
    yield from (Report(one, _OTHERWISE) for one in dict.fromkeys(_reasons(moment, table)))


def _reasons(moment: Moment, table: Table) -> Iterator[str]:
    inserts = moment.statement.kind == "insert_stmt"
    for name, expression in _values(moment, table):
        column = table.column(name)
        if column is None or kind_of(expression) == "set_to_default":
            continue
        if reason := _of_statement(moment, table, column, expression):
            yield f"PostgreSQL refuses it: {reason}"
        elif not moment.schema.has_triggers(table.name) and (reason := _of_row(table, column, expression)):
            yield f"PostgreSQL refuses {'it' if inserts else 'each row that it changes'}: {reason}"
    if inserts:
        yield from (f"PostgreSQL refuses it: {one}" for one in _of_rows(moment, table))


def _rows(moment: Moment) -> list[list[Tree]]:
    return [list(one.list.items) for one in moment.tree.select_stmt.select_stmt.values_lists]


def _names(moment: Moment, table: Table) -> list[str]:
    return [_name(one.res_target) for one in moment.tree.cols] or [one.name for one in table.columns]


def _name(target: Tree) -> str:
    """Return the column that is written as a whole; empty for a part of one: tags[1]."""
    return "" if target.indirection else str(target.name)


def _values(moment: Moment, table: Table) -> Iterator[tuple[str, Tree]]:
    """Yield each column that the statement writes, with what it writes."""
    if moment.statement.kind == "update_stmt":
        yield from ((_name(one.res_target), one.res_target.val) for one in moment.tree.target_list)
    elif moment.tree.cols or moment.schema.is_whole(table.name):
        for row in _rows(moment):
            yield from zip(_names(moment, table), row, strict=False)


def _of_statement(moment: Moment, table: Table, column: Column, expression: Tree) -> str | None:
    """Return why the statement fails, whatever rows there are."""
    if column.generated or _is_numbered(moment, table, column):
        return f"{quote(column.name)} is generated and takes no value"
    return refusal(expression, column, moment.schema) or overflow(expression, column)


def _of_row(table: Table, column: Column, expression: Tree) -> str | None:
    """Return why a row with the value cannot be stored."""
    if kind_of(expression) == "a_const" and constant_text(expression) == "NULL":
        return f"{quote(column.name)} is NOT NULL" if column.not_null else None
    value = value_of(expression)
    if value is None:
        return None
    checks = (one for one in table.constraints if one.kind == "check" and refuses(one.expression, column.name, value))
    return next((f"{one.name} refuses it" for one in checks), None)


def _is_numbered(moment: Moment, table: Table, column: Column) -> bool:
    """Say whether the column is an identity that takes no other number."""
    always = moment.schema.identities.get((table.name.name, column.name), False)
    overriding = moment.statement.kind == "insert_stmt" and field_enum(moment.tree, "override") in _OVERRIDING
    return always and not overriding


_OVERRIDING = ("OVERRIDING_SYSTEM_VALUE", "OVERRIDING_USER_VALUE")


def _of_rows(moment: Moment, table: Table) -> Iterator[str]:
    """Yield what is wrong with the rows as a whole."""
    names, rows, conflict = _names(moment, table), _rows(moment), moment.tree.on_conflict_clause
    whole = moment.schema.is_whole(table.name)
    if (moment.tree.cols or whole) and any(len(row) > len(names) for row in rows):
        yield f"it has more values than the {len(names)} columns"
    keys = [one.columns for one in table.indexes if one.unique and not (one.partial or one.expressions)]
    keys += [one.columns for one in table.constraints if one.kind == "primary key"]
    if not moment.tree.HasField("on_conflict_clause"):
        yield from (
            f"two rows have the same {', '.join(key)}" for key in dict.fromkeys(keys) if _twice(names, rows, key)
        )
    elif whole and conflict.HasField("infer") and not conflict.infer.HasField("where_clause"):
        columns = [one.index_elem.name for one in conflict.infer.index_elems]
        if columns and all(columns) and set(columns) not in map(set, keys):
            yield f"nothing unique is over ({', '.join(columns)}), which ON CONFLICT names"


def _twice(names: list[str], rows: list[list[Tree]], key: tuple[str, ...]) -> bool:
    """Say whether two rows have the same constants in the key."""
    if not set(key) <= set(names):
        return False
    found = Counter(tuple(value_of(row[names.index(one)]) for one in key) for row in rows if len(row) == len(names))
    return any(count > 1 and None not in values for values, count in found.items())
