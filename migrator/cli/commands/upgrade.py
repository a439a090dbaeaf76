"""Responsible for ``migrator upgrade`` and ``downgrade``: Alembic's commands of those names, run online."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from migrator.cli.carry_out import watched
from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.errors import Interrupted

if TYPE_CHECKING:  # the engine takes over a second to import
    from collections.abc import Callable

XOption = Annotated[
    list[str] | None,
    typer.Option("-x", metavar="KEY=VALUE", help="An argument for env.py, as Alembic has it. May be repeated."),
]


@command(Group.ALEMBIC, 1, examples=("migrator upgrade head", "migrator upgrade +1"), negative=True)
def upgrade(
    invocation: Invocation,
    revision: Annotated[
        str, typer.Argument(metavar="[REVISION]", help="Whatever Alembic takes: an id, head, heads, +1, label@head.")
    ] = "head",
    x: XOption = None,
) -> int:
    """Apply the Alembic revisions up to REVISION, each statement in a form that does not stop traffic.

    Takes the project as it is: env.py and revisions unchanged. A revision that was stopped half-way is resumed.
    """
    return _move(invocation, "upgrade", revision, tuple(x or ()))


@command(Group.ALEMBIC, 2, examples=("migrator downgrade -1", "migrator downgrade 2d90f4be8a15"), negative=True)
def downgrade(
    invocation: Invocation,
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help="Whatever Alembic takes: an id, base, -1, label@base.")
    ],
    x: XOption = None,
) -> int:
    """Undo the Alembic revisions above REVISION, each statement in a form that does not stop traffic.

    What a half-applied revision has committed is taken back first.
    """
    return _move(invocation, "downgrade", revision, tuple(x or ()))


def _move(invocation: Invocation, direction: str, revision: str, x: tuple[str, ...]) -> int:
    from migrator.engine import history  # noqa: PLC0415 - takes over a second to import
    from migrator.engine.target import open_target  # noqa: PLC0415 - as above
    from migrator.view import revisions  # noqa: PLC0415 - as above

    move: Callable[..., list[str]] = getattr(history, direction)
    with open_target(invocation.settings(), command=direction, x=x) as target:
        try:
            moved = watched(invocation, lambda emit, stop: move(target, revision, emit=emit, stop=stop))
        except Interrupted as error:
            error.help = f"to go on: migrator {direction} {revision}"
            raise
    invocation.answer(revisions, revisions.Moved(direction, tuple(moved)))
    return 0
