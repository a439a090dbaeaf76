from __future__ import annotations

import io
import os
import signal

from migrator.cli.carry_out import watched
from migrator.cli.invocation import Invocation
from migrator.engine.events import Emit, Notice
from migrator.engine.stop import Stop
from migrator.view.formats import load
from migrator.view.streams import Streams


class Closed(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def invocation(out: io.StringIO) -> Invocation:
    return Invocation("apply", {}, load("json"), Streams(io.StringIO(), out, io.StringIO(), {}))


def test_the_answer_of_the_work_is_passed_on_and_its_events_are_shown() -> None:
    out = io.StringIO()

    def work(emit: Emit, stop: Stop) -> bool:
        emit(Notice(text="one"))
        return stop.requested

    assert watched(invocation(out), work) is False
    assert '"text": "one"' in out.getvalue()


def test_a_signal_while_the_work_runs_asks_it_to_stop() -> None:
    def work(_emit: Emit, stop: Stop) -> tuple[bool, bool, int]:
        os.kill(os.getpid(), signal.SIGTERM)
        return stop.requested, stop.hard, stop.signal

    assert watched(invocation(io.StringIO()), work) == (True, False, signal.SIGTERM)


def test_a_reader_of_the_progress_that_goes_away_lets_the_run_come_to_rest_at_a_checkpoint() -> None:
    def work(emit: Emit, stop: Stop) -> tuple[bool, bool, int]:
        emit(Notice(text="one"))
        emit(Notice(text="two"))
        return stop.requested, stop.hard, stop.signal

    assert watched(invocation(Closed()), work) == (True, False, signal.SIGPIPE)
