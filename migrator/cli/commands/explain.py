"""Responsible for ``migrator explain``: what an error means and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.catalogue import every_error
from migrator.cli.command import Group, command
from migrator.cli.errors import UnknownCodeError
from migrator.cli.invocation import Invocation
from migrator.spelling import suggestion
from migrator.view import explanation


@command(Group.LEARN, 1, examples=("migrator explain MG501", "migrator explain list"), settings=False)
def explain(
    invocation: Invocation,
    code: Annotated[str, typer.Argument(metavar="CODE|list", help="The code of an error, such as MG501.")] = "list",
) -> int:
    """Explain the error CODE: what it means, what to do.

    The code stands behind the word error in every message. `list` prints all codes.
    """
    errors = every_error()
    if code == "list":
        invocation.answer(explanation, list(errors.values()))
        return 0
    if code.upper() not in errors:
        advice = suggestion(code.upper(), errors, "codes")
        raise UnknownCodeError(f"no error has the code {code}", help=f"{advice} See: migrator explain list")
    invocation.answer(explanation, [errors[code.upper()]])
    return 0
