"""REINDEX INDEX and REINDEX TABLE: concurrently."""

from __future__ import annotations

from migrator.sql.context import Context, is_live
from migrator.sql.names import name_of
from migrator.sql.online.form import Answer, Leftover, LeftoverKind, OnlineForm, concurrent
from migrator.sql.parser import Tree, copied, deparse, field_enum, option

STATEMENT = "reindex_stmt"


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return the concurrent rebuild; a whole schema or database is left to the person who asked for it."""
    kind = field_enum(tree, "kind")
    if kind not in ("REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE") or option(tree.params, "concurrently"):
        return None
    name = name_of(tree.relation)
    index = context.index(name) if kind == "REINDEX_OBJECT_INDEX" else None
    if not is_live(context, index.table if index else name):
        return None
    later = copied(tree)
    later.params.add().def_elem.defname = "concurrently"
    later.params[-1].def_elem.defaction = "DEFELEM_UNSPEC"
    return OnlineForm((concurrent(context, deparse(later), Leftover(LeftoverKind.TRANSIENT_INDEX, name)),))
