"""What CREATE INDEX and REINDEX do."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.context import RelationKind, Table, leaves
from migrator.sql.effects import Object, WorkKind
from migrator.sql.lock_table import ON_RELATION
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, find, option
from migrator.sql.volatility import restless_functions

_WHOLE = {"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"}


def _create(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["index_stmt:concurrently" if tree.concurrent else "index_stmt"]
    table = name_of(tree.relation)
    draft.kind = row.words
    draft.transactional = not tree.concurrent
    draft.creates.append(Object("index", table.beside(tree.idxname), table.name))
    draft.functions += [name for name, _ in restless_functions(find(tree, "FuncCall"), draft.context)]
    known = draft.context.table(table)
    partitioned = known is not None and known.kind is RelationKind.PARTITIONED
    if not (partitioned and tree.relation.inh):
        draft.lock(table, row.mode)
        if not partitioned:
            draft.add_work(WorkKind.BUILD, table, "create-index-blocking", _why(tree))
        return
    draft.lock_tree(table, row.mode)
    for below in leaves(draft.context, table):
        if not _is_adopted(tree, draft.context.table(below)):
            draft.add_work(WorkKind.BUILD, below, "create-index-blocking", _why(tree))


def _is_adopted(tree: Tree, partition: Table | None) -> bool:
    """Say whether the partition has such an index by itself, which becomes a part of the new one.

    As CompareIndexInfo of PostgreSQL compares them, which does not look at their order.
    """
    columns = tuple(one.index_elem.name for one in tree.index_params)
    if partition is None or not all(columns) or tree.HasField("where_clause") or not is_plain(tree):
        return False
    return any(
        (one.columns, one.unique) == (columns, tree.unique)
        and one.valid
        and one.plain
        and not (one.partial or one.expressions)
        for one in partition.indexes
    )


def is_plain(index: Tree) -> bool:
    """Say whether an index is a btree with the operator classes and collations of its columns, in whatever order."""
    special = any(one.index_elem.opclass or one.index_elem.collation for one in index.index_params)
    return index.access_method == "btree" and not special


def _why(tree: Tree) -> str:
    return f"index {tree.idxname} is built" if tree.idxname else "an index is built"


def _reindex(tree: Tree, draft: Draft) -> None:
    concurrently = option(tree.params, "concurrently")
    row = ON_RELATION["reindex_stmt:concurrently" if concurrently else "reindex_stmt"]
    what = field_enum(tree, "kind")
    draft.kind = row.words
    draft.transactional = not (concurrently or what in _WHOLE)
    if what in _WHOLE:
        draft.opaque("every table of the schema or database")
    elif what == "REINDEX_OBJECT_INDEX":
        _reindex_index(name_of(tree.relation), draft, row.mode, concurrently=concurrently)
    else:
        _reindex_table(name_of(tree.relation), draft, row.mode, concurrently=concurrently)


def _reindex_index(name: Name, draft: Draft, mode: LockMode, *, concurrently: bool) -> None:
    index = draft.context.index(name)
    table = index.table if index else None
    draft.lock(table, mode, "" if table else f"the table of index {name}")
    draft.add_work(WorkKind.BUILD, table, "reindex-blocking", f"index {name} is built anew")
    if not concurrently:
        draft.lock(index.name if index else name, LockMode.ACCESS_EXCLUSIVE, "index")


def _reindex_table(name: Name, draft: Draft, mode: LockMode, *, concurrently: bool) -> None:
    known = draft.context.table(name)
    partitioned = known is not None and known.kind is RelationKind.PARTITIONED
    draft.transactional = draft.transactional and not partitioned
    draft.lock_tree(name, mode)
    for table in leaves(draft.context, name):
        draft.add_work(WorkKind.BUILD, table, "reindex-blocking", f"the indexes of {table} are built anew")
        leaf = draft.context.table(table)
        if leaf and not concurrently:
            for index in leaf.indexes:
                draft.lock(index.name, LockMode.ACCESS_EXCLUSIVE, "index")


HANDLERS: dict[str, Handler] = {"index_stmt": _create, "reindex_stmt": _reindex}
