"""Responsible for how the explanation of an error looks; the words are the docstring of its class."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from migrator.errors import MigratorError
from migrator.view.ink import Ink


def document(errors: Sequence[type[MigratorError]]) -> dict[str, Any]:
    """Return the explanations as a JSON-able mapping."""
    return {
        "version": 1,
        "errors": [
            {"code": error.code, "name": error.__name__, "exit_code": error.exit_code, "text": explain(error)}
            for error in errors
        ],
    }


def text(errors: Sequence[type[MigratorError]], ink: Ink) -> str:
    """Return one explanation in full, or of several the first sentences."""
    if len(errors) > 1:
        return "\n".join(f"{ink.bold(error.code)}  exit {error.exit_code:>3}  {_summary(error)}" for error in errors)
    (error,) = errors
    lines = [f"{ink.bold(error.code)}: exit code {error.exit_code}", "", explain(error)]
    if general := _general(error):
        lines += ["", f"In general, exit code {error.exit_code} means: {explain(general)}"]
    return "\n".join(lines)


def explain(error: type[MigratorError]) -> str:
    """Return the docstring of `error` as text for a person."""
    return inspect.cleandoc(error.__doc__ or "").replace("``", "`")


def _summary(error: type[MigratorError]) -> str:
    return " ".join(explain(error).split("\n\n")[0].split())


def _general(error: type[MigratorError]) -> type[MigratorError] | None:
    """Return the class that stands for the exit code of `error`, unless it is `error` itself."""
    branch = error.__mro__[error.__mro__.index(MigratorError) - 1]
    return branch if branch is not error and issubclass(branch, MigratorError) else None
