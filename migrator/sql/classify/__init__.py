"""Says what a statement does: one handler per kind of statement, in a module per family."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from migrator.sql.classify import alter_table, drop, indexes, maintenance, objects, queries, session, tables
from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.context import Context, Facts
from migrator.sql.effects import Effect
from migrator.sql.lock_table import NO_RELATION, NOT_IN_TRANSACTION, OPAQUE
from migrator.sql.statement import Statement

_NOTHING = Facts()


@lru_cache(maxsize=1)
def _handlers() -> Mapping[str, Handler]:
    families = (alter_table, drop, indexes, maintenance, objects, queries, session, tables)
    return {kind: handler for family in families for kind, handler in family.HANDLERS.items()}


def classify(statement: Statement, context: Context = _NOTHING) -> Effect:
    """Return what the statement does, given what is known of the database before it.

    What the parser or this package does not know locks anything, as strongly as can be.
    """
    draft = Draft(context)
    kind = statement.kind
    draft.transactional = kind not in NOT_IN_TRANSACTION
    draft.kind = NO_RELATION.get(kind, "")
    handler = _handlers().get(kind)
    if handler:
        handler(statement.tree, draft)
    elif not draft.kind:
        draft.kind = OPAQUE.get(kind, kind.removesuffix("_stmt").replace("_", " ").upper())
        draft.opaque(f"whatever {draft.kind} touches")
    return draft.effect()
