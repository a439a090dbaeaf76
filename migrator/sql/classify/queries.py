"""What SELECT, INSERT, UPDATE, DELETE, MERGE, COPY and EXPLAIN do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.effects import DataChange, Object, Setting
from migrator.sql.lock_table import ON_RELATION
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, constant_text, content, field_enum, kind_of, option, sorted_out
from migrator.sql.volatility import function_name, restless_functions

_VERBS = MappingProxyType(
    {
        "InsertStmt": "insert_stmt",
        "UpdateStmt": "update_stmt",
        "DeleteStmt": "delete_stmt",
        "MergeStmt": "merge_stmt",
    }
)
_LIMITED = ("UpdateStmt", "DeleteStmt")


def relations_in(tree: Tree) -> tuple[Name, ...]:
    """Return the relations that a query names, without the names of its own WITH queries."""
    return _relations(sorted_out(tree))


def _relations(nodes: Mapping[str, Sequence[Tree]]) -> tuple[Name, ...]:
    common = {query.ctename for query in nodes["CommonTableExpr"]}
    names = (name_of(variable) for variable in nodes["RangeVar"] if variable.relname)
    return tuple(dict.fromkeys(name for name in names if name.schema or name.name not in common))


def read_locks(tree: Tree, draft: Draft) -> Mapping[str, Sequence[Tree]]:
    """Record the locks, data changes and functions of a query, nested ones included; return its nodes by type."""
    nodes = sorted_out(tree)
    for name in _relations(nodes):
        draft.lock(name, LockMode.ACCESS_SHARE, "read")
    for select in nodes["SelectStmt"]:
        if select.locking_clause:
            for name in relations_in(select):
                draft.lock(name, ON_RELATION["select_stmt:locking"].mode, "rows locked")
    for message, kind in _VERBS.items():
        for change in nodes[message]:
            row = ON_RELATION[kind]
            target = name_of(change.relation)
            draft.lock(target, row.mode, "written")
            whole = message in _LIMITED and not change.HasField("where_clause")
            draft.data_changes.append(DataChange(row.words, target, whole))
    draft.functions += [name for name, _ in restless_functions(nodes["FuncCall"], draft.context)]
    for call in nodes["FuncCall"]:
        if function_name(call).name == "set_config":
            draft.changes_settings.append(_set_config(call))
    return nodes


def _set_config(call: Tree) -> Setting:
    name, value, local = (*(constant_text(argument) for argument in call.args), "", "", "")[:3]
    return Setting(name.lower(), value, local == "true")


def _select(tree: Tree, draft: Draft) -> None:
    nodes = read_locks(tree, draft)
    locks_rows, into = bool(nodes["LockingClause"]), nodes["IntoClause"]
    draft.kind = ON_RELATION["select_stmt:locking" if locks_rows else "select_stmt"].words
    if into:
        made = name_of(into[0].rel)
        draft.kind = "SELECT INTO"
        draft.creates.append(Object("table", made))
        draft.locks = [lock for lock in draft.locks if lock.relation != made]
    draft.reads_only = not (draft.functions or draft.data_changes or into or locks_rows)


def _change(tree: Tree, draft: Draft) -> None:
    draft.kind = ON_RELATION[_VERBS[tree.DESCRIPTOR.name]].words
    read_locks(tree, draft)


def _copy(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["copy_stmt:from" if tree.is_from else "copy_stmt:to"]
    draft.kind = row.words
    if tree.HasField("relation"):
        draft.lock(name_of(tree.relation), row.mode)
    else:
        read_locks(tree.query, draft)
    if tree.is_from:
        draft.data_changes.append(DataChange("COPY", name_of(tree.relation)))
    to_client = not (tree.is_program or tree.filename)
    draft.reads_only = not tree.is_from and to_client and not (draft.functions or draft.data_changes)


def _explain(tree: Tree, draft: Draft) -> None:
    draft.kind = "EXPLAIN"
    if not option(tree.options, "analyze"):
        for name in relations_in(tree.query):
            draft.lock(name, LockMode.ACCESS_SHARE, "planned")
        draft.reads_only = True
    elif kind_of(tree.query) in HANDLERS:
        HANDLERS[kind_of(tree.query)](content(tree.query), draft)
        draft.kind = "EXPLAIN ANALYZE"
    else:
        draft.kind = "EXPLAIN ANALYZE"
        draft.opaque("whatever the explained statement touches")


def _declare(tree: Tree, draft: Draft) -> None:
    _select(content(tree.query), draft)
    draft.kind = "DECLARE"


def _prepare(tree: Tree, draft: Draft) -> None:
    draft.kind = "PREPARE"
    for name in relations_in(tree.query):
        draft.lock(name, LockMode.ACCESS_SHARE, "planned")


def _create_as(tree: Tree, draft: Draft) -> None:
    matview = field_enum(tree, "objtype") == "OBJECT_MATVIEW"
    draft.kind = "CREATE MATERIALIZED VIEW" if matview else "CREATE TABLE AS"
    draft.creates.append(Object("materialized view" if matview else "table", name_of(tree.into.rel)))
    if kind_of(tree.query) == "execute_stmt":
        draft.opaque("whatever EXECUTE touches")
    else:
        read_locks(tree.query, draft)


HANDLERS: dict[str, Handler] = {
    "select_stmt": _select,
    "insert_stmt": _change,
    "update_stmt": _change,
    "delete_stmt": _change,
    "merge_stmt": _change,
    "copy_stmt": _copy,
    "explain_stmt": _explain,
    "declare_cursor_stmt": _declare,
    "prepare_stmt": _prepare,
    "create_table_as_stmt": _create_as,
}
