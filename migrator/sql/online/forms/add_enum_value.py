"""ALTER TYPE ... ADD VALUE: committed by itself, because the label cannot be used in the transaction that adds it."""

from __future__ import annotations

from migrator.sql.context import Context
from migrator.sql.online.form import Answer, OnlineForm, brief
from migrator.sql.parser import Tree, deparse

STATEMENT = "alter_enum_stmt"


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return the statement as a part of its own; None for another name of a label."""
    return None if tree.old_val else OnlineForm((brief(context, deparse(tree)),))
