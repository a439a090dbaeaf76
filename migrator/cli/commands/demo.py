"""Responsible for ``migrator demo``: starting whatever demonstration is installed; not for what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.errors import DemoMissingError
from migrator.cli.invocation import Invocation

ENTRY_POINTS = "migrator.demo"


@command(
    Group.LEARN, 2, examples=("migrator demo", "migrator demo --rows 100000 --keep .migrator/demo"), settings=False
)
def demo(
    invocation: Invocation,
    rows: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many rows to change.", show_default=False)
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the database there.", show_default=False)
    ] = None,
) -> int:
    """Watch a real change on a real PostgreSQL, under load.

    Starts a private server, changes a table while an application reads and writes it, and stops the server.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - no other command looks for what is installed

    found = entry_points(group=ENTRY_POINTS)
    if len(found) != 1:
        names = ", ".join(sorted(each.value for each in found)) or "none"
        raise DemoMissingError(
            f"demo needs exactly one installed demonstration, not {len(found)}",
            notes=[f"entry points of the group {ENTRY_POINTS}: {names}"],
            help="in a checkout of migrator: make demo",
        )
    from migrator.postgres.server.embedded import embedded  # noqa: PLC0415 - the database driver takes long to import

    (only,) = found
    return int(only.load()(server=embedded, out=invocation.streams.out, rows=rows, keep=keep) or 0)
