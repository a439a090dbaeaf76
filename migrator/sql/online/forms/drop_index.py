"""DROP INDEX: concurrently, one index per statement, because PostgreSQL takes no list."""

from __future__ import annotations

from migrator.sql.context import Context, is_live
from migrator.sql.names import Name, named
from migrator.sql.online.form import Answer, Leftover, LeftoverKind, OnlineForm, Part, brief, concurrent
from migrator.sql.parser import Tree, field_enum, strings

STATEMENT = "drop_stmt"


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return one drop per index; None where PostgreSQL cannot do it concurrently and the lock is brief anyway.

    The index of a partitioned table, which PostgreSQL refuses to drop concurrently, is dropped with that brief lock.
    """
    cascade = field_enum(tree, "behavior") == "DROP_CASCADE"
    if field_enum(tree, "remove_type") != "OBJECT_INDEX" or cascade:
        return None
    names = [named(strings(node.list.items)) for node in tree.objects]
    asked = _is_partitioned if tree.concurrent else _used
    if not any(asked(context, name) for name in names):
        return None
    return OnlineForm(tuple(_drop(context, name, missing_ok=tree.missing_ok) for name in names))


def _is_partitioned(context: Context, name: Name) -> bool:
    index = context.index(name)
    return index is not None and index.partitioned


def _used(context: Context, name: Name) -> bool:
    index = context.index(name)
    return index is None or (is_live(context, index.table) and not (index.partitioned or index.constraint))


def _drop(context: Context, name: Name, *, missing_ok: bool) -> Part:
    exists = "IF EXISTS " if missing_ok else ""
    if not _used(context, name):
        return brief(context, f"DROP INDEX {exists}{name.quoted()}")
    statement = f"DROP INDEX CONCURRENTLY {exists}{name.quoted()}"
    return concurrent(context, statement, Leftover(LeftoverKind.HALF_DROPPED_INDEX, name))
