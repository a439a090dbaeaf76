from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from rich.console import Console

from migrator.engine.events import (
    BuildProgress,
    Event,
    GateReached,
    LockRetry,
    Notice,
    RowProgress,
    RunFinished,
    RunStarted,
    StatementFinished,
    StepFinished,
    StepRef,
    StepStarted,
)
from migrator.postgres.blockers import Blocker
from migrator.view import jsonlines, lines, terminal
from migrator.view.formats import load, names
from migrator.view.lines import HEARTBEAT, SAMPLE, Lines
from migrator.view.sentences import sentence
from migrator.view.streams import Streams

STEP = StepRef("migrate", 1, 3, "backfill", "backfill [public.orders].tags")
BLOCKER = Blocker(48121, "report-runner", "reports", "idle in transaction", 2220.0, "SELECT ?")
STARTED = StepStarted(step=STEP, attempt=1)
FINISHED = StepFinished(step=STEP, seconds=41.0, detail="1,000,000 rows")
RETRY = LockRetry(
    step=STEP, relation="public.orders", attempt=3, timeout=2.0, delay=1.25, remaining=240.0, blockers=(BLOCKER,)
)
BUILD = BuildProgress(
    step=STEP, relation="ix", phase="scanning table", done=40, total=100, seconds=12.0, blockers=(BLOCKER,)
)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def rows(done: int = 450_000, waiting: str = "", eta: float | None = 17.0) -> RowProgress:
    return RowProgress(
        step=STEP,
        rows_done=done,
        rows_total=1_000_000,
        rows_per_second=32_000.0,
        eta=eta,
        chunk_rows=10_000,
        chunk_seconds=0.3,
        waiting=waiting,
    )


PREFIX = "migrate 1/3 backfill [public.orders].tags: "
SENTENCES = [
    (
        RunStarted(plan="p", run=3, direction="forward", to="contract", steps_done=2, steps_total=6, resumed=True),
        "p: run 3 goes on to contract, 2 of 6 steps done",
    ),
    (
        RunStarted(plan="p", run=3, direction="back", to="start", steps_done=2, steps_total=6, resumed=False),
        "p: run 3 goes back to start, 2 of 6 steps done",
    ),
    (
        RunFinished(plan="p", run=3, state="complete", phase="contract", seconds=61.0),
        "p: complete after 61 s",
    ),
    (StepStarted(step=STEP, attempt=2, undo=True), PREFIX + "undo started, attempt 2"),
    (STARTED, PREFIX + "started"),
    (FINISHED, PREFIX + "done in 41 s, 1,000,000 rows"),
    (
        StatementFinished(
            step=STEP,
            sql="ALTER TABLE t\n ADD x int",
            lock="ACCESS EXCLUSIVE",
            relation="t",
            online=True,
            milliseconds=3.2,
        ),
        PREFIX + "3 ms, ACCESS EXCLUSIVE on t, online: ALTER TABLE t ADD x int",
    ),
    (
        RETRY,
        PREFIX + "could not lock public.orders within 2.0 s (attempt 3), next try in 1.2 s, gives up in 4 min; "
        "blocked by pid 48121, application report-runner, idle in transaction for 37 min: SELECT ?",
    ),
    (
        BUILD,
        PREFIX + "building on ix for 12 s, scanning table 40 %; "
        "blocked by pid 48121, application report-runner, idle in transaction for 37 min: SELECT ?",
    ),
    (
        rows(),
        PREFIX + "45 %, 450,000 of 1,000,000 rows, 32,000 rows/s, 17 s left, chunk 10,000 rows in 0.3 s",
    ),
    (
        rows(done=1_200_000, waiting="replica_lag 7 s > 5 s", eta=None),
        PREFIX + "99 %, 1,200,000 of 1,200,000 rows, 32,000 rows/s, chunk 10,000 rows in 0.3 s; "
        "waiting: replica_lag 7 s > 5 s",
    ),
    (GateReached(step=STEP, plan="p", gate="release is live"), PREFIX + "waiting at gate: release is live"),
    (Notice(text="[bold]took over\nthe index"), "[bold]took over the index"),
]


@pytest.mark.parametrize(("event", "said"), SENTENCES, ids=lambda value: type(value).__name__)
def test_each_event_is_one_sentence(event: Event, said: str) -> None:
    assert sentence(event) == said


def test_an_event_that_nobody_put_into_words_is_called_by_its_name() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Landed(Event):
        name: ClassVar[str] = "landed"

    assert sentence(Landed(step=STEP)) == PREFIX + "landed"


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def written(out: io.StringIO, clock: Clock) -> Lines:
    return Lines(out, clock=clock, now=lambda: AT)


def test_off_a_terminal_each_event_is_one_line_with_its_time(written: Lines, out: io.StringIO) -> None:
    written.emit(STARTED)
    written.emit(FINISHED)

    assert out.getvalue() == f"03:04:05 {sentence(STARTED)}\n03:04:05 {sentence(FINISHED)}\n"


def test_progress_is_sampled_but_a_new_reason_to_wait_is_told_at_once(
    written: Lines, out: io.StringIO, clock: Clock
) -> None:
    told = [rows(1), rows(3, waiting="replica_lag 7 s > 5 s"), rows(5), rows(7)]
    for event in (told[0], rows(2), told[1], rows(4, waiting="replica_lag 8 s > 5 s"), told[2], rows(6)):
        written.emit(event)
    clock.seconds += SAMPLE
    written.emit(told[3])

    assert [line[9:] for line in out.getvalue().splitlines()] == [sentence(event) for event in told]


def test_a_silent_step_gives_a_heartbeat_and_silence_without_a_step_gives_none(
    written: Lines, out: io.StringIO, clock: Clock
) -> None:
    clock.seconds += HEARTBEAT
    written.beat()
    written.emit(STARTED)
    clock.seconds += HEARTBEAT - 1
    written.beat()
    clock.seconds += 1
    written.beat()
    written.beat()
    written.emit(FINISHED)
    clock.seconds += HEARTBEAT
    written.beat()

    assert [line[9:] for line in out.getvalue().splitlines()] == [
        sentence(STARTED),
        "migrate 1/3 backfill [public.orders].tags: still running after 30 s",
        sentence(FINISHED),
    ]


def test_the_heart_beats_while_the_context_is_open_and_no_longer(piped: Streams) -> None:
    with lines.progress(piped, interval=0.001) as emit:
        (heart,) = [thread for thread in threading.enumerate() if thread.name == "migrator-heartbeat"]
        emit(STARTED)

    assert not heart.is_alive()
    assert isinstance(piped.err, io.StringIO)
    assert piped.err.getvalue().endswith(f"{sentence(STARTED)}\n")


def test_json_events_are_one_object_per_line_with_version_and_time(piped: Streams) -> None:
    with jsonlines.progress(piped, now=lambda: AT) as emit:
        for event, _ in SENTENCES:
            emit(event)

    assert isinstance(piped.out, io.StringIO)
    documents = [json.loads(line) for line in piped.out.getvalue().splitlines()]
    assert [document["event"] for document in documents] == [event.name for event, _ in SENTENCES]
    assert {document["version"] for document in documents} == {1}
    assert {document["at"] for document in documents} == {"2026-01-02T03:04:05+00:00"}
    assert documents[3]["step"] == {
        "phase": "migrate",
        "index": 1,
        "count": 3,
        "kind": "backfill",
        "title": "backfill [public.orders].tags",
    }


def drawn(*events: Event, width: int = 100) -> list[str]:
    """Return the picture on a terminal after `events`."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True, legacy_windows=False)
    screen = terminal.Screen(console, clock=lambda: 7.0)
    for event in events:
        screen.emit(event)
    with console.capture() as capture:
        console.print(screen)
    return [_plain(line).rstrip() for line in capture.get().splitlines()]


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_the_terminal_shows_a_bar_with_rows_rate_time_left_chunk_and_why_it_waits() -> None:
    title, bar, pace, waiting = drawn(STARTED, rows(waiting="replica_lag 7 s > 5 s"))

    assert title == "migrate 1/3 backfill [public.orders].tags  0.0 s"
    assert bar.startswith("  ━━━━")
    assert bar.endswith(" 45 %, 450,000 of 1,000,000 rows")
    assert pace == "  32,000 rows/s, 17 s left, chunk 10,000 rows in 0.3 s"
    assert waiting == "  waiting: replica_lag 7 s > 5 s"


def test_the_terminal_shows_who_blocks_while_a_lock_is_retried() -> None:
    assert drawn(STARTED, RETRY)[1:] == [
        "  could not lock public.orders within 2.0 s (attempt 3), next try in 1.2 s, gives up in 4 min",
        "  blocked by pid 48121, application report-runner, idle in transaction for 37 min: SELECT ?",
    ]


def test_nothing_is_left_of_a_step_that_is_done() -> None:
    assert drawn(STARTED, rows(), FINISHED) == [""]


def test_a_narrow_terminal_cuts_the_picture_instead_of_breaking_it() -> None:
    assert all(len(line) <= 40 for line in drawn(STARTED, RETRY, width=40))


def test_finished_steps_scroll_up_on_the_terminal_with_names_as_they_are(on_terminal: Callable[..., Streams]) -> None:
    streams = on_terminal(TERM="xterm", NO_COLOR="1")
    with load("text").progress(streams) as emit:
        emit(STARTED)
        emit(FINISHED)
        emit(Notice(text="x" * 300))

    assert isinstance(streams.err, io.StringIO)
    shown = streams.err.getvalue()
    assert sentence(FINISHED) in shown
    assert "x" * 300 in shown
    assert "\x1b[32m" not in shown
    assert isinstance(streams.out, io.StringIO)
    assert streams.out.getvalue() == ""


def test_a_terminal_that_cannot_redraw_gets_lines(on_terminal: Callable[..., Streams]) -> None:
    streams = on_terminal(TERM="dumb")
    with load("text").progress(streams) as emit:
        emit(FINISHED)

    assert isinstance(streams.err, io.StringIO)
    assert "\x1b" not in streams.err.getvalue()
    assert streams.err.getvalue().endswith(f"{sentence(FINISHED)}\n")


def test_colour_is_for_terminals_that_were_not_asked_to_do_without(
    on_terminal: Callable[..., Streams], piped: Streams
) -> None:
    plain, colour = on_terminal(NO_COLOR="1"), on_terminal(TERM="xterm")

    assert not piped.ink(piped.out).coloured
    assert not plain.ink(plain.out).coloured
    assert not on_terminal(TERM="dumb").ink(plain.out).coloured
    assert colour.ink(colour.out).coloured


def test_the_formats_are_the_modules_of_their_package() -> None:
    assert names() == ["json", "text"]
