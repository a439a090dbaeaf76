"""Responsible for ``migrator purge``: deleting what contract has archived."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.confirm import confirm
from migrator.cli.invocation import Invocation
from migrator.cli.options import OptionalPlanArgument, YesOption, read_duration


@command(
    Group.RUN, 6, examples=("migrator purge --older-than 30d", "migrator purge product-tags --older-than 0s --yes")
)
def purge(
    invocation: Invocation,
    plan: OptionalPlanArgument = None,
    older_than: Annotated[str, typer.Option(metavar="DURATION", help="Keep what is younger than this.")] = "30d",
    yes: YesOption = False,
) -> int:
    """Delete what contract has archived. After that, contract cannot be undone any more.

    Shows what it would delete, and asks. Without a terminal, nothing is deleted unless `--yes` is given.
    """
    age = read_duration("--older-than", older_than, "migrator purge --older-than 30d")
    settings = invocation.settings()
    name = invocation.plan(plan, settings).plan if plan else None
    from migrator.engine import purge as engine  # noqa: PLC0415 - the driver takes a while to import
    from migrator.engine.target import open_target  # noqa: PLC0415 - as above
    from migrator.view import purge as view  # noqa: PLC0415 - as above

    with open_target(settings, command=invocation.command) as target:
        doomed = engine.archives(target, name, age)
        if doomed and not yes and invocation.streams.interactive:
            invocation.answer(view, view.Purged(doomed, done=False))
            confirm(f"delete {len(doomed)} archives for good?", invocation.streams)
            yes = True
        if yes:
            engine.purge(target, doomed)
        invocation.answer(view, view.Purged(doomed, done=yes))
    return 0
