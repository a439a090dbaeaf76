"""Responsible for asking a person before something is undone or lost; not for deciding what needs asking."""

from __future__ import annotations

from migrator.cli.errors import NotConfirmedError
from migrator.view.printable import printable
from migrator.view.streams import Streams


def confirm(question: str, streams: Streams) -> None:
    """Ask `question` on the terminal.

    Raises:
        NotConfirmedError: the answer was not yes.
    """
    streams.err.write(f"{printable(question)} [y/N] ")
    streams.err.flush()
    if streams.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotConfirmedError("not confirmed; nothing was changed", help="to go on without being asked, add --yes")
