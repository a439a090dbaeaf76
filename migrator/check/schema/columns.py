"""Reads columns and constraints out of parse trees, as the schema remembers them."""

from __future__ import annotations

from dataclasses import replace

from migrator.sql.context import Column, Constraint, Index, Table
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, constant_text, deparse, field_enum, find, parse_tree, strings, without_locations

KINDS = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_NOTNULL": "not null",
}
_SERIAL = {"serial": "integer", "serial4": "integer", "bigserial": "bigint", "serial8": "bigint",
           "smallserial": "smallint", "serial2": "smallint"}  # fmt: skip
_IMPLIES_NOT_NULL = ("CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY")
_BRINGS_A_VALUE = ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")


_written: dict[bytes, str] = {}


def type_sql(type_name: Tree) -> str:
    """Return a type as SQL. Tables have many columns of few types, and to write one takes a millisecond."""
    key = without_locations(type_name).SerializeToString(deterministic=True)
    if key not in _written:
        _written[key] = _type_sql(type_name)
    return _written[key]


def _type_sql(type_name: Tree) -> str:
    select = parse_tree("SELECT NULL::int").stmts[0].stmt
    select.select_stmt.target_list[0].res_target.val.type_cast.type_name.CopyFrom(type_name)
    return deparse(select).removeprefix("SELECT NULL::")


def expression_sql(expression: Tree) -> str:
    """Return an expression as SQL; a placeholder where the parser cannot write it back, so that it proves nothing."""
    select = parse_tree("SELECT 1").stmts[0].stmt
    select.select_stmt.target_list[0].res_target.val.CopyFrom(expression)
    try:
        return deparse(select).removeprefix("SELECT ")
    except AssertionError:
        return "<expression>"


def kinds_of(column: Tree) -> frozenset[str]:
    """Return the kinds of the constraints written with a column."""
    return frozenset(field_enum(one.constraint, "contype") for one in column.constraints)


def is_serial(column: Tree) -> bool:
    return strings(column.type_name.names)[-1:] != () and strings(column.type_name.names)[-1] in _SERIAL


def is_required(column: Tree) -> bool:
    """Say whether the column takes no NULL."""
    return is_serial(column) or bool(kinds_of(column) & set(_IMPLIES_NOT_NULL))


def has_value(column: Tree) -> bool:
    """Say whether rows that do not name the column get a value: a default that is not NULL, a sequence, a formula."""
    defaults = (
        one.constraint for one in column.constraints if field_enum(one.constraint, "contype") in _BRINGS_A_VALUE
    )
    return is_serial(column) or any(
        field_enum(one, "contype") != "CONSTR_DEFAULT" or constant_text(one.raw_expr) != "NULL" for one in defaults
    )


def default_sql(column: Tree) -> str | None:
    """Return the expression of the column's DEFAULT."""
    for node in column.constraints:
        if field_enum(node.constraint, "contype") == "CONSTR_DEFAULT":
            return expression_sql(node.constraint.raw_expr)
    return None


def plain_default(expression: str) -> str:
    """Return a default without the quotes and casts in which one value is written in many ways."""
    text = expression.lower().partition("::")[0].strip("'() ")
    return {"current_timestamp": "now"}.get(text, text)


def column_of(definition: Tree) -> Column:
    """Return the column that a ColumnDef makes."""
    names = strings(definition.type_name.names)
    text = _SERIAL[names[-1]] if is_serial(definition) else type_sql(definition.type_name)
    column = Column(definition.colname, text, is_required(definition))
    for node in definition.constraints:
        if field_enum(node.constraint, "contype") == "CONSTR_GENERATED":
            kind = "virtual" if node.constraint.generated_kind == "v" else "stored"
            return replace(column, generated=kind, computed_from=columns_in(node.constraint.raw_expr))
    return column


def columns_in(expression: Tree) -> tuple[str, ...]:
    """Return the names of the columns in an expression, each once."""
    return tuple(dict.fromkeys(strings(one.fields)[-1] for one in find(expression, "ColumnRef") if strings(one.fields)))


def constraint_of(node: Tree, table: Name, column: str | None = None) -> Constraint | None:
    """Return the constraint in the tree, or None for one that only describes its column."""
    kind = KINDS.get(field_enum(node, "contype"))
    if kind is None or (kind == "not null" and column):
        return None
    columns = (column,) if column else strings(node.fk_attrs if kind == "foreign key" else node.keys)
    if kind == "check":
        columns = columns_in(node)
    return Constraint(
        name=node.conname or _default_name(kind, table, columns),
        kind=kind,
        columns=columns,
        validated=not node.skip_validation,
        expression=expression_sql(node.raw_expr) if kind == "check" else "",
        references=name_of(node.pktable) if kind == "foreign key" else None,
        referenced=strings(node.pk_attrs) if kind == "foreign key" else (),
        actions=f"{node.fk_del_action}{node.fk_upd_action}" if kind == "foreign key" else "",
    )


def _default_name(kind: str, table: Name, columns: tuple[str, ...]) -> str:
    label = {"check": "check", "foreign key": "fkey", "unique": "key", "primary key": "pkey", "exclude": "excl",
             "not null": "not_null"}[kind]  # fmt: skip
    parts = (table.name, label) if kind == "primary key" else (table.name, *columns, label)
    return "_".join(parts)


def index_of_constraint(constraint: Constraint, table: Name) -> Index | None:
    """Return the index that a constraint brings along."""
    if constraint.kind not in ("unique", "primary key", "exclude"):
        return None
    unique = constraint.kind != "exclude"
    return Index(
        table.beside(constraint.name), table, constraint.columns, unique=unique, constraint=constraint.name
    )  # fmt: skip


def with_constraint(table: Table, constraint: Constraint) -> Table:
    """Return a table with one more constraint, its index, and what it says of its columns."""
    index = index_of_constraint(constraint, table.name)
    not_null = constraint.columns if constraint.kind in ("primary key", "not null") and constraint.validated else ()
    columns = tuple(replace(one, not_null=one.not_null or one.name in not_null) for one in table.columns)
    others = tuple(one for one in table.constraints if one.name != constraint.name)
    indexes = tuple(one for one in table.indexes if index is None or one.name != index.name)
    return replace(
        table,
        columns=columns,
        constraints=(*others, constraint),
        indexes=(*indexes, index) if index else indexes,
    )
