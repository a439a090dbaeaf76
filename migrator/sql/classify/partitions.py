"""What attaching and detaching a partition does to the partition, its siblings and the tables around them."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft
from migrator.sql.classify.tables import lock_foreign_keys
from migrator.sql.commands import definition
from migrator.sql.context import Table
from migrator.sql.effects import WorkKind
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree
from migrator.sql.partition_bound import is_excluded, is_proven


def attach(command: Tree, table: Name, draft: Draft) -> None:
    """Record the scan of the partition, and of the default partition, unless checks prove which rows they hold."""
    partition = name_of(definition(command).name)
    parent, child = draft.context.table(table), draft.context.table(partition)
    draft.lock_tree(partition, LockMode.ACCESS_EXCLUSIVE, "becomes a partition")
    lock_foreign_keys(table, draft)
    if not is_proven(definition(command).bound, parent, child):
        why = f"every row of {partition} is read to see that it is inside the bounds"
        draft.add_work(WorkKind.SCAN, partition, "attach-partition-scan", why, certain=parent is not None)
    if parent is None:
        draft.lock(None, LockMode.ACCESS_EXCLUSIVE, f"the default partition of {table}, if it has one")
    else:
        _missing_indexes(parent, child, partition, draft)
    default = parent.default_partition if parent else None
    if default is not None:
        draft.lock(default, LockMode.ACCESS_EXCLUSIVE, "default partition")
    if default is not None and not is_excluded(definition(command).bound, parent, draft.context.table(default)):
        why = f"every row of the default partition {default} is read to see that it is outside the bounds"
        draft.add_work(WorkKind.SCAN, default, "attach-partition-scan", why)


def _missing_indexes(parent: Table, child: Table | None, partition: Name, draft: Draft) -> None:
    """Record the indexes of the parent that the partition lacks: they are built while it is locked."""
    present = {(index.columns, index.unique) for index in child.indexes if index.valid} if child else set()
    for index in parent.indexes:
        if index.expressions or (index.columns, index.unique) not in present:
            why = f"an index like {index.name} is built on {partition}"
            certain = child is not None and not index.expressions
            draft.add_work(WorkKind.BUILD, partition, "attach-partition-index", why, certain=certain)


def detach(command: Tree, table: Name, draft: Draft) -> None:
    """Record the locks of DETACH PARTITION; CONCURRENTLY waits instead of blocking, outside a transaction."""
    change = definition(command)
    draft.lock_tree(name_of(change.name), LockMode.ACCESS_EXCLUSIVE, "is detached")
    lock_foreign_keys(table, draft)
    parent = draft.context.table(table)
    if change.concurrent:
        draft.transactional = False
    elif parent is not None and parent.default_partition is not None:
        draft.lock(parent.default_partition, LockMode.ACCESS_EXCLUSIVE, "default partition")


def finalize(command: Tree, table: Name, draft: Draft) -> None:
    """Record the lock on the partition whose detaching is completed."""
    del table
    draft.lock_tree(name_of(definition(command).name), LockMode.ACCESS_EXCLUSIVE, "is detached")
