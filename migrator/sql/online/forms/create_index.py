"""CREATE INDEX: concurrently; on a partitioned table per partition, and attached."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.sql.context import Context, RelationKind, is_live
from migrator.sql.default_names import free_name, index_columns, index_middle
from migrator.sql.names import Name, name_of
from migrator.sql.online.form import Answer, Leftover, LeftoverKind, OnlineForm, Part, brief, concurrent
from migrator.sql.parser import Tree, copied, deparse

STATEMENT = "index_stmt"


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return the concurrent build; an index without a name gets the one PostgreSQL would choose.

    A concurrent one that PostgreSQL refuses, because the table is partitioned, is built per partition as well.
    """
    table = name_of(tree.relation)
    known = context.table(table)
    partitioned = known is not None and known.kind is RelationKind.PARTITIONED
    if not is_live(context, table) or (tree.concurrent and not partitioned):
        return None
    columns = index_columns((*tree.index_params, *tree.index_including_params))
    names = _Names(context, columns)
    name = tree.idxname or names.choose(table)
    if not partitioned:
        return OnlineForm((_build(tree, context, table, name),))
    if not tree.relation.inh:
        return None
    return OnlineForm(tuple(_per_partition(tree, table, name, names)))


class _Names:
    """Chooses names that are neither taken nor chosen before."""

    def __init__(self, context: Context, columns: tuple[str, ...]) -> None:
        self.context = context
        self._middle = index_middle(columns)
        self._chosen: set[Name] = set()

    def choose(self, table: Name) -> str:
        known = self.context.table(table)
        beside = (known.name if known else table).beside

        def taken(name: str) -> bool:
            return beside(name) in self._chosen or self.context.taken(beside(name))

        name = free_name(table.name, self._middle, "idx", taken)
        self._chosen.add(beside(name))
        return name


def _build(tree: Tree, context: Context, table: Name, name: str) -> Part:
    statement = _on(tree, table, name)
    statement.concurrent = True
    return concurrent(context, deparse(statement), Leftover(LeftoverKind.INVALID_INDEX, table.beside(name)))


def _on(tree: Tree, table: Name, name: str) -> Tree:
    statement = copied(tree)
    statement.idxname = name
    statement.relation.relname = table.name
    statement.relation.schemaname = table.schema or ""
    return statement


def _per_partition(tree: Tree, table: Name, name: str, names: _Names) -> Iterator[Part]:
    """Yield the empty index of a partitioned table, then each partition's index and its attachment."""
    context = names.context
    only = _on(tree, table, name)
    only.relation.inh = only.concurrent = False
    yield brief(context, deparse(only), proven=True)
    known = context.table(table)
    for child in known.children if known else ():
        below = context.table(child)
        if below is not None and below.kind is RelationKind.FOREIGN:
            continue
        inner = copied(tree)
        inner.if_not_exists = False
        index = names.choose(child)
        if below is not None and below.kind is RelationKind.PARTITIONED:
            yield from _per_partition(inner, child, index, names)
        else:
            yield _build(inner, context, child, index)
        attach = f"ALTER INDEX {table.beside(name).quoted()} ATTACH PARTITION {child.beside(index).quoted()}"
        yield brief(context, attach)
