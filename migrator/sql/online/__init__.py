"""Finds the online form of a statement, or the reason why there is none. One file per form; the files are the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from migrator.sql.classify import classify
from migrator.sql.context import Context
from migrator.sql.online import forms
from migrator.sql.online.form import Answer
from migrator.sql.online.refusal import refusal
from migrator.sql.parser import Tree
from migrator.sql.statement import Statement


@lru_cache(maxsize=1)
def _forms() -> Mapping[str, Callable[[Tree, Context], Answer]]:
    modules = [import_module(f"{forms.__name__}.{module.name}") for module in iter_modules(forms.__path__)]
    return {module.STATEMENT: module.rewrite for module in modules}


def online(statement: Statement, context: Context) -> Answer:
    """Return how to do what the statement does without stalling users of tables that hold rows.

    None means: run it as it is. That is so for tables without rows, for statements that are done in an instant, and
    for those whose locks are not known.
    """
    form = _forms().get(statement.kind)
    answer = form(statement.tree, context) if form else None
    return answer if answer is not None or form else refusal(classify(statement, context), statement.tree, context)
