"""Whether a revision has a way back, judged by the source of its `downgrade`; not whether that way works."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.script import Script


def why_no_downgrade(script: Script) -> str:
    """Return why a revision cannot be undone by its own `downgrade`, or an empty text.

    Judged by the source of the function: it is missing, does nothing although `upgrade` does, or only raises.
    """
    return reason_without_effect(script.module, "downgrade")


def reason_without_effect(module: ModuleType, name: str) -> str:
    """Return why the function `name` of a revision undoes nothing, as `why_no_downgrade` says it; for `upgrade`: ''."""
    downgrade, upgrade = getattr(module, name, None), getattr(module, "upgrade", None)
    if name == "upgrade":
        return ""
    if downgrade is None:
        return "it has no downgrade"
    body = _body(downgrade)
    if body is None:
        return ""
    if any(isinstance(statement, ast.Raise) for statement in body[:1]):
        return "its downgrade raises an error"
    if not body and (upgrade is None or _body(upgrade) != []):
        return "its downgrade is empty"
    return ""


def _body(function: Callable[..., Any]) -> list[ast.stmt] | None:
    """Return the statements of a function that do something, or None where its source cannot be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return None
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    return [
        statement
        for statement in definition.body
        if not isinstance(statement, ast.Pass)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        and not (isinstance(statement, ast.Return) and statement.value is None)
    ]
