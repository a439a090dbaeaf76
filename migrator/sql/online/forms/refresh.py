"""REFRESH MATERIALIZED VIEW: concurrently, where the view has the unique index that this takes."""

from __future__ import annotations

from migrator.sql.classify import classify
from migrator.sql.context import Context, Table, is_live
from migrator.sql.names import name_of
from migrator.sql.online.form import Answer, OnlineForm, Part, PartKind
from migrator.sql.online.refusal import refusal
from migrator.sql.parser import Tree, copied, deparse
from migrator.sql.statement import parse_one

STATEMENT = "refresh_mat_view_stmt"


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return the concurrent refresh. A view that was never populated has no readers, and is filled as it is."""
    view = name_of(tree.relation)
    if tree.concurrent or tree.skip_data or not is_live(context, view):
        return None
    known = context.table(view)
    if known is None or not _identifies_rows(known):
        return refusal(classify(parse_one(deparse(tree)), context), tree, context)
    later = copied(tree)
    later.concurrent = True
    statement = deparse(later)
    return OnlineForm((Part((statement,), PartKind.VALIDATE, classify(parse_one(statement), context)),))


def _identifies_rows(view: Table) -> bool:
    return any(one.unique and one.valid and not (one.partial or one.expressions) for one in view.indexes)
