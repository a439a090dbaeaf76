"""Responsible for showing events on a terminal: finished things scroll up, what goes on now is redrawn below them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from migrator.engine.events import (
    BuildProgress,
    Emit,
    Event,
    LockRetry,
    RowProgress,
    RunFinished,
    StepFinished,
    StepRef,
    StepStarted,
)
from migrator.postgres.blockers import duration
from migrator.view.printable import one_line
from migrator.view.sentences import blocker_line, blockers, clause, pace, rows_so_far, sentence
from migrator.view.streams import Streams

BAR_WIDTH = 24
REDRAWS_PER_SECOND = 4


class Screen:
    """The running step as it is now: its title and time, its bar if it walks rows, and what it waits for.

    All that comes from a plan or a server is put into `Text`, never into a string that rich would read as markup.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._step: StepRef | None = None
        self._since = 0.0
        self._latest: Event | None = None

    def emit(self, event: Event) -> None:
        """Take `event` into the picture, or print it above the picture if it is over and done."""
        if isinstance(event, (RowProgress, BuildProgress, LockRetry)):
            self._latest = event
        elif isinstance(event, StepStarted):
            self._step, self._since, self._latest = event.step, self._clock(), None
        else:
            self._print(event)

    def _print(self, event: Event) -> None:
        if isinstance(event, (StepFinished, RunFinished)):
            self._step = self._latest = None
        style = "green" if isinstance(event, StepFinished) else ""
        self._console.print(Text(sentence(event), style=style), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        """Return what is to be seen below the lines that have scrolled up."""
        if not self._step:
            return Text()
        head = Text(one_line(str(self._step)), style="bold", no_wrap=True, overflow="ellipsis")
        head.append(f"  {duration(self._clock() - self._since)}", style="not bold")
        return Group(head, *_details(self._latest))


def _details(event: Event | None) -> list[RenderableType]:
    if isinstance(event, RowProgress):
        waiting = [_line(f"waiting: {event.waiting}", "yellow")] if event.waiting else []
        return [_bar(event), _line(pace(event)), *waiting]
    if event is None:
        return []
    style = "yellow" if blockers(event) else ""
    return [_line(clause(event), style), *(_line(f"blocked by {blocker_line(who)}", style) for who in blockers(event))]


def _bar(event: RowProgress) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    total = max(event.rows_done, event.rows_total, 1)
    grid.add_row(" ", ProgressBar(total=total, completed=event.rows_done, width=BAR_WIDTH), Text(rows_so_far(event)))
    return grid


def _line(text: str, style: str = "") -> Text:
    return Text(f"  {one_line(text)}", style=style, no_wrap=True, overflow="ellipsis")


@contextmanager
def progress(streams: Streams) -> Iterator[Emit]:
    """Show events on the terminal that standard error is."""
    console = Console(
        file=streams.err,
        width=streams.columns,
        no_color=not streams.ink(streams.err).coloured,
        markup=False,
        highlight=False,
        emoji=False,
    )
    screen = Screen(console)
    # What env.py writes to standard output belongs there, so only standard error is led around the picture.
    with Live(
        screen,
        console=console,
        refresh_per_second=REDRAWS_PER_SECOND,
        transient=True,
        redirect_stdout=False,
    ):
        yield screen.emit
