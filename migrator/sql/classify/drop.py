"""What DROP does, to the dropped object and to those around it."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.context import descendants
from migrator.sql.effects import Object
from migrator.sql.lock_table import DROP
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, named
from migrator.sql.parser import Tree, content, field_enum, find, kind_of, strings

_MEMBERS = frozenset({"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})
_WORDS = {"OBJECT_MATVIEW": "materialized view", "OBJECT_STATISTIC_EXT": "statistics"}


def _drop(tree: Tree, draft: Draft) -> None:
    kind = field_enum(tree, "remove_type")
    words = _WORDS.get(kind, kind.removeprefix("OBJECT_").replace("_", " ").lower())
    row = DROP.get(kind)
    cascade = field_enum(tree, "behavior") == "DROP_CASCADE"
    draft.kind = f"DROP {words.upper()}" + (" CONCURRENTLY" if tree.concurrent else "")
    draft.transactional = not tree.concurrent
    draft.cascades = cascade
    for node in tree.objects:
        parts = _parts(node)
        member = parts[-1] if kind in _MEMBERS else None
        name = named(parts[:-1] if member else parts)
        draft.drops.append(Object(words, name, member))
        if kind == "OBJECT_INDEX":
            _index(name, draft, concurrently=tree.concurrent)
        elif kind == "OBJECT_STATISTIC_EXT":
            draft.lock(None, DROP[kind].mode, f"the table of statistics {name}")
        elif row:
            draft.lock(name, row.mode)
        if kind == "OBJECT_TABLE":
            _around_table(name, draft, cascade=cascade)
        if cascade and kind not in _MEMBERS:
            draft.lock(None, LockMode.ACCESS_EXCLUSIVE, f"whatever depends on {name}")
            draft.locks_unknown = draft.locks_unknown or row is None


def _parts(node: Tree) -> tuple[str, ...]:
    if kind_of(node) == "list":
        return strings(node.list.items)
    if kind_of(node) == "object_with_args":
        return strings(node.object_with_args.objname)
    if kind_of(node) == "type_name":
        return strings(node.type_name.names)
    return tuple(one.sval for one in find(content(node), "String"))


def _index(name: Name, draft: Draft, *, concurrently: bool) -> None:
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE if concurrently else LockMode.ACCESS_EXCLUSIVE
    index = draft.context.index(name)
    if index is None:
        draft.lock(None, mode, f"the table of index {name}")
    elif index.partitioned:
        draft.lock_tree(index.table, mode)
    else:
        draft.lock(index.table, mode, f"table of index {name}")
    draft.lock(index.name if index else name, mode, "index")


def _around_table(table: Name, draft: Draft, *, cascade: bool) -> None:
    known = draft.context.table(table)
    if known is None:
        draft.lock(None, LockMode.ACCESS_EXCLUSIVE, f"tables that foreign keys of {table} point to")
        return
    mode = LockMode.ACCESS_EXCLUSIVE
    for below in descendants(draft.context, table):
        draft.lock(below, mode, f"below {table}")
    for constraint in known.constraints:
        if constraint.references is not None:
            draft.lock(constraint.references, mode, f"foreign key {constraint.name} points to it")
    for parent in known.parents:
        _parent(parent, draft)
    for other in known.referenced_by if cascade else ():
        draft.lock_tree(other, mode, f"has a foreign key to {table}")


def _parent(parent: Name, draft: Draft) -> None:
    known = draft.context.table(parent)
    if known is not None and known.partition_key:
        draft.lock(parent, LockMode.ACCESS_EXCLUSIVE, "loses a partition")
        if known.default_partition is not None:
            draft.lock(known.default_partition, LockMode.ACCESS_EXCLUSIVE, "default partition")


HANDLERS: dict[str, Handler] = {"drop_stmt": _drop}
