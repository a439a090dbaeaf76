from __future__ import annotations

import os
import signal

import pytest

from migrator.cli.signals import SIGNALS, stopping


class Stop:
    def __init__(self) -> None:
        self.signal = 0
        self.requests = 0

    def request(self) -> None:
        self.requests += 1


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_first_signal_asks_for_a_stop_and_says_what_happens(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = Stop()
    with stopping(stop):
        os.kill(os.getpid(), number)

    assert (stop.requests, stop.signal) == (1, number)
    assert capfd.readouterr().err == "\nfinishing the chunk; press Ctrl-C again to cancel it\n"


def test_the_second_signal_asks_again_and_the_third_is_not_ours() -> None:
    stop = Stop()
    with stopping(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

        assert (stop.requests, stop.signal) == (2, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert stop.requests == 2


def test_outside_the_context_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stopping(Stop()):
        assert [signal.getsignal(number) for number in SIGNALS] != before

    assert [signal.getsignal(number) for number in SIGNALS] == before
