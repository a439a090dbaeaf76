"""Responsible for ``migrator doctor``: what endangers a migration of this database."""

from __future__ import annotations

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation

FOUND = 1


@command(Group.ASK, 4, examples=("migrator doctor", "migrator doctor --format json"))
def doctor(invocation: Invocation) -> int:
    """Look for what endangers a migration, and show the command that mends it.

    INVALID indexes, constraints that are NOT VALID, half-applied revisions, triggers left behind, long transactions,
    blocked sessions, abandoned replication slots, dangerous settings, a pooler in between. Returns 1 if there is
    something. Nothing is changed.
    """
    settings = invocation.settings()
    from migrator.engine.doctor import examine  # noqa: PLC0415 - the driver takes a while to import
    from migrator.engine.target import open_target  # noqa: PLC0415 - as above
    from migrator.view import doctor as view  # noqa: PLC0415 - as above

    with open_target(settings, command=invocation.command) as target:
        report = examine(target)
    invocation.answer(view, report)
    return FOUND if report.ailments else 0
