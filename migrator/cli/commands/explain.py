"""Responsible for ``migrator explain``: what an error or a rule of `check` means, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.catalogue import every_error
from migrator.cli.command import Group, command
from migrator.cli.errors import UnknownCodeError
from migrator.cli.invocation import Invocation
from migrator.spelling import suggestion
from migrator.view import explanation


@command(Group.LEARN, 1, examples=("migrator explain MG501", "migrator explain drop-column"), settings=False)
def explain(
    invocation: Invocation,
    code: Annotated[
        str, typer.Argument(metavar="CODE|RULE|list|rules", help="The code of an error, such as MG501, or a rule.")
    ] = "list",
) -> int:
    """Explain an error, or a rule of `check`: what it means, what to do.

    The code or the rule stands behind the word error in every message. `list` prints all codes, `rules` all rules.
    """
    from migrator.check.rule import every_rule  # noqa: PLC0415 - no other command needs the rules' stories
    from migrator.view import rule  # noqa: PLC0415 - as above

    if code == "rules" or code in every_rule():
        invocation.answer(rule, list(every_rule().values()) if code == "rules" else [every_rule()[code]])
        return 0
    errors = every_error()
    if code == "list":
        invocation.answer(explanation, list(errors.values()))
        return 0
    if code.upper() not in errors:
        known = code.upper() if code.upper().startswith("MG") else code
        advice = suggestion(known, [*errors, *every_rule()], "codes and rules")
        raise UnknownCodeError(
            f"no error has the code {code}, and no rule that name", help=f"{advice} See: migrator explain list"
        )
    invocation.answer(explanation, [errors[code.upper()]])
    return 0
