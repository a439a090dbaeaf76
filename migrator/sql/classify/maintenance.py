"""What VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW and TRUNCATE do."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.context import RelationKind
from migrator.sql.effects import DataChange, WorkKind
from migrator.sql.lock_table import ON_RELATION
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, option


def _vacuum(tree: Tree, draft: Draft) -> None:
    full = option(tree.options, "full")
    suffix = "" if tree.is_vacuumcmd else ":analyze"
    row = ON_RELATION["vacuum_stmt:full" if full else f"vacuum_stmt{suffix}"]
    draft.kind = row.words
    draft.transactional = not tree.is_vacuumcmd
    tables = [name_of(one.vacuum_relation.relation) for one in tree.rels]
    for name in tables:
        draft.lock_tree(name, row.mode)
    if not tables:
        draft.lock(None, row.mode, "every table of the database")
    if full:
        rewritten: list[Name | None] = [*tables] or [None]
        for table in rewritten:
            draft.add_work(WorkKind.REWRITE, table, "vacuum-full", "VACUUM FULL writes the table anew")


def _cluster(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["cluster_stmt"]
    draft.kind = row.words
    table = name_of(tree.relation) if tree.HasField("relation") else None
    known = draft.context.table(table) if table else None
    draft.transactional = not (table is None or (known and known.kind is RelationKind.PARTITIONED))
    if table is None:
        draft.lock(None, row.mode, "every table that was clustered before")
    else:
        draft.lock_tree(table, row.mode)
    draft.add_work(WorkKind.REWRITE, table, "cluster", "CLUSTER writes the table anew")


def _refresh(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["refresh_mat_view_stmt:concurrently" if tree.concurrent else "refresh_mat_view_stmt"]
    view = name_of(tree.relation)
    draft.kind = row.words
    draft.lock(view, row.mode)
    draft.lock(None, LockMode.ACCESS_SHARE, f"what {view} reads")
    if not (tree.concurrent or tree.skip_data):
        draft.add_work(WorkKind.REWRITE, view, "refresh-matview-blocking", f"the whole query of {view} runs")


def _truncate(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["truncate_stmt"]
    draft.kind = row.words
    cascade = field_enum(tree, "behavior") == "DROP_CASCADE"
    for relation in tree.relations:
        table = name_of(relation.range_var)
        if relation.range_var.inh:
            draft.lock_tree(table, row.mode)
        else:
            draft.lock(table, row.mode)
        draft.data_changes.append(DataChange(row.words, table, whole=True))
        if cascade:
            _cascade(table, draft, row.mode, set())


def _cascade(table: Name, draft: Draft, mode: LockMode, seen: set[Name]) -> None:
    known = draft.context.table(table)
    if known is None:
        draft.lock(None, mode, f"tables with a foreign key to {table}")
    for other in known.referenced_by if known else ():
        if other not in seen:
            seen.add(other)
            draft.lock_tree(other, mode, f"has a foreign key to {table}")
            draft.data_changes.append(DataChange("TRUNCATE", other, whole=True))
            _cascade(other, draft, mode, seen)


HANDLERS: dict[str, Handler] = {
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "refresh_mat_view_stmt": _refresh,
    "truncate_stmt": _truncate,
}
