"""How far the WHERE of a statement limits it: to single rows, to a range, or not at all. Judged by its form alone."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from migrator.check.schema.columns import expression_sql
from migrator.sql.classify.queries import relations_in
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, constant_text, field_enum, find, kind_of, strings, walk
from migrator.sql.statement import Statement

_CATALOGS = frozenset({"pg_catalog", "information_schema"})


def read_tables(tree: Tree) -> tuple[Name, ...]:
    """Return the tables that a query reads; for an INSERT, those that its SELECT does."""
    return relations_in(tree.select_stmt) if tree.DESCRIPTOR.name == "InsertStmt" else relations_in(tree)


def reads_tables(insert: Tree) -> bool:
    """Say whether an INSERT takes its rows from tables."""
    return insert.HasField("select_stmt") and bool(relations_in(insert.select_stmt))


def is_catalog(table: Name) -> bool:
    """Say whether it is a table of PostgreSQL's own."""
    return table.schema in _CATALOGS or table.name.startswith("pg_")


def is_whole(tree: Tree) -> bool:
    """Say whether an UPDATE or DELETE has no condition, or one that is always true."""
    if not tree.HasField("where_clause"):
        return not (tree.using_clause if tree.DESCRIPTOR.name == "DeleteStmt" else tree.from_clause)
    return all(_always_true(one) for one in _conjuncts(tree.where_clause))


def is_unlimited(tree: Tree, keys: frozenset[str] = frozenset(), few: Container[str] = ()) -> bool:
    """Say whether no part of the condition limits how many rows there can be; a join with a table does not.

    Args:
        keys: columns that have each value once.
        few: tables that have no more rows than were written out.
    """
    own = {one.ctename: one.ctequery for one in find(tree, "CommonTableExpr")}
    if tree.DESCRIPTOR.name == "MergeStmt":
        return _is_table(tree.source_relation, own)
    if is_whole(tree):
        return True
    joined = tree.using_clause if tree.DESCRIPTOR.name == "DeleteStmt" else tree.from_clause
    if joined and not all(_is_table(one, own) and one.range_var.relname not in few for one in joined):
        return False
    if not tree.HasField("where_clause"):
        return bool(joined)
    conjuncts = list(_conjuncts(tree.where_clause))
    closed = _closed_ranges(conjuncts)
    target = {tree.relation.relname, tree.relation.alias.aliasname}
    shared = _shared_values(tree) - keys
    return all(
        _always_true(one)
        or _about_content(one)
        or _is_open(one, closed)
        or (joined and _is_about_others(one, target))
        or (_by_value(one) and _compared(one) in shared)
        for one in conjuncts
    )


def _shared_values(tree: Tree) -> frozenset[str]:
    """Return the columns of which many rows can have the same value, by their names and by what is done to them.

    Who puts one constant in another's place renames a value of a class; keys are called like keys.
    """
    compared = {_compared(one) for one in _conjuncts(tree.where_clause) if _by_value(one)}
    replaced = {
        one.res_target.name
        for one in (tree.target_list if tree.DESCRIPTOR.name == "UpdateStmt" else ())
        if kind_of(one.res_target.val) in ("a_const", "param_ref", "type_cast")
    }
    return frozenset(one for one in compared if _CLASSES.search(one) or (one in replaced and not _KEYS.search(one)))


_CLASSES = re.compile(r"(?:^|_)(?:status|state|kind|type|category|country|currency|locale|language|region|role|tier)$")
_KEYS = re.compile(
    r"(?:^|_)(?:id|uuid|code|email|hash|ip|key|label|login|name|no|number|path|phone|ref|sku|slug|title|token|url)$"
)


def _compared(node: Tree) -> str:
    """Return the column that a comparison with single values is about."""
    return strings(node.a_expr.lexpr.column_ref.fields)[-1]


def changes_in(statement: Statement) -> Iterator[Tree]:
    """Yield every UPDATE, DELETE and MERGE of a statement, those in its WITH included."""
    if statement.kind in _QUERIES:
        yield from (one for one in walk(statement.tree) if one.DESCRIPTOR.name in _CHANGES)


_QUERIES = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt", "create_table_as_stmt"})
_CHANGES = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt"})


def _is_table(node: Tree, own: dict[str, Tree]) -> bool:
    """Say whether rows are joined from whole tables, and not from values, a query that limits them, or a WITH."""
    kind = kind_of(node)
    if kind == "join_expr":
        return _is_table(node.join_expr.larg, own) and _is_table(node.join_expr.rarg, own)
    if kind == "range_subselect":
        return _is_whole_table(node.range_subselect.subquery, own)
    if kind == "range_var" and node.range_var.relname in own:
        others = {name: query for name, query in own.items() if name != node.range_var.relname}
        return _is_whole_table(own[node.range_var.relname], others)
    return kind == "range_var"


def _is_whole_table(node: Tree, own: dict[str, Tree]) -> bool:
    """Say whether a query gives the rows of whole tables."""
    query = node.select_stmt
    return bool(query.from_clause) and not _is_limited(query) and all(_is_table(one, own) for one in query.from_clause)


def _is_about_others(node: Tree, target: set[str]) -> bool:
    """Say whether the condition joins tables, or limits one of the others, whose rows can have any number of ours."""
    tables = [strings(one.fields)[-2:-1] for one in find(node, "ColumnRef")]
    return _joins(node) or (all(tables) and not any(table in target for (table,) in tables))


def _joins(node: Tree) -> bool:
    """Say whether the condition compares columns with each other."""
    equal = kind_of(node) == "a_expr" and strings(node.a_expr.name) == ("=",)
    return equal and kind_of(node.a_expr.lexpr) == kind_of(node.a_expr.rexpr) == "column_ref"


def is_by_key(tree: Tree) -> bool:
    """Say whether a part of the condition names single values, so that few rows are touched."""
    if tree.DESCRIPTOR.name == "InsertStmt":
        return is_by_key(tree.select_stmt.select_stmt)
    if tree.DESCRIPTOR.name == "MergeStmt":
        return False
    if not tree.HasField("where_clause"):
        return not relations_in(tree) if tree.DESCRIPTOR.name == "SelectStmt" else False
    return any(_by_value(one) for one in _conjuncts(tree.where_clause))


def worked_on(statement: Statement) -> tuple[Name, ...]:
    """Return the tables of which a query, or a change of data, may read or change many rows."""
    kind, tree = statement.kind, statement.tree
    if kind == "create_table_as_stmt" and kind_of(tree.query) == "select_stmt":
        query = tree.query.select_stmt
        return () if tree.into.skip_data or is_by_key(query) else read_tables(query)
    if kind == "select_stmt" or (kind == "insert_stmt" and reads_tables(tree)):
        return () if is_by_key(tree) else read_tables(tree)
    if kind in ("update_stmt", "delete_stmt", "merge_stmt"):
        return () if is_by_key(tree) else (name_of(tree.relation),)
    return ()


def condition_sql(tree: Tree) -> str:
    """Return the condition as SQL."""
    return expression_sql(tree.where_clause)


def _conjuncts(node: Tree) -> Iterator[Tree]:
    if kind_of(node) == "bool_expr" and field_enum(node.bool_expr, "boolop") == "AND_EXPR":
        for argument in node.bool_expr.args:
            yield from _conjuncts(argument)
    else:
        yield node


def _always_true(node: Tree) -> bool:
    if constant_text(node) == "true":
        return True
    if kind_of(node) == "bool_expr" and field_enum(node.bool_expr, "boolop") == "OR_EXPR":
        return any(_always_true(one) for one in node.bool_expr.args)
    if kind_of(node) == "a_expr" and strings(node.a_expr.name) == ("=",):
        left, right = constant_text(node.a_expr.lexpr), constant_text(node.a_expr.rexpr)
        return bool(left) and left == right
    return False


def _about_content(node: Tree) -> bool:
    """Say whether the condition asks about content that any number of rows can have, and not for single values."""
    kind = kind_of(node)
    if kind in ("null_test", "boolean_test", "column_ref"):
        return True
    if kind == "bool_expr":
        operator = field_enum(node.bool_expr, "boolop")
        wide = [_about_content(one) for one in node.bool_expr.args]
        return operator == "NOT_EXPR" or (any(wide) if operator == "OR_EXPR" else all(wide))
    if kind == "sub_link":
        return not _is_limited(node.sub_link.subselect.select_stmt)
    if kind == "a_expr":
        form, operator = field_enum(node.a_expr, "kind"), strings(node.a_expr.name)[-1]
        truth = operator == "=" and constant_text(node.a_expr.rexpr) in ("true", "false")
        return form in _OF_CONTENT or operator == "<>" or truth
    return False


_OF_CONTENT = frozenset({"AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR"})
_FEW = 10_000
"""Rows of one chunk; numbers up to here are taken for the first keys of a table."""
_BOUNDS = {"<": "upper", "<=": "upper", ">": "lower", ">=": "lower"}


def _is_limited(select: Tree) -> bool:
    """Say whether a subquery gives few rows: it has a LIMIT, reads no table, or asks for single values."""
    if select.HasField("limit_count") or not select.from_clause:
        return True
    if not select.HasField("where_clause"):
        return False
    conjuncts = list(_conjuncts(select.where_clause))
    closed = _closed_ranges(conjuncts)
    return any(
        not (_always_true(one) or _about_content(one) or _is_open(one, closed) or _joins(one)) for one in conjuncts
    )


def _closed_ranges(conjuncts: list[Tree]) -> frozenset[str]:
    """Return the columns that have a bound on both sides."""
    bounds = {_bound(one) for one in conjuncts}
    return frozenset(column for column, side in bounds if side == "lower" and (column, "upper") in bounds)


def _is_open(node: Tree, closed: frozenset[str]) -> bool:
    """Say whether the condition is a range that is open on one side."""
    column, side = _bound(node)
    if side == "upper" and (few := constant_text(node.a_expr.rexpr)).isdigit() and int(few) <= _FEW:
        return False
    return bool(side) and column not in closed


def _bound(node: Tree) -> tuple[str, str]:
    """Return the column that a comparison bounds, and on which side; nothing for other conditions."""
    if kind_of(node) != "a_expr" or field_enum(node.a_expr, "kind") != "AEXPR_OP":
        return "", ""
    side = _BOUNDS.get(strings(node.a_expr.name)[-1], "")
    column = node.a_expr.lexpr
    if not side or kind_of(column) != "column_ref":
        return "", ""
    return strings(column.column_ref.fields)[-1], side


def _by_value(node: Tree) -> bool:
    if kind_of(node) != "a_expr":
        return False
    expression = node.a_expr
    column = kind_of(expression.lexpr) == "column_ref"
    if field_enum(expression, "kind") == "AEXPR_IN":
        return column and kind_of(expression.rexpr) == "list"
    equal = field_enum(expression, "kind") == "AEXPR_OP" and strings(expression.name) == ("=",)
    return (
        equal and column and not any(find(expression.rexpr, "ColumnRef")) and not any(find(expression.rexpr, "SubLink"))
    )
