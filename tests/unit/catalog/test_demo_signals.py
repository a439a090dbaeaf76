"""A signal ends the demonstration only at a moment when nothing of it can be left behind."""

from __future__ import annotations

import signal

import pytest

from catalog_schema.demo.signals import Signals, Stopped


def test_a_signal_raises_while_armed() -> None:
    with Signals() as signals:
        signals.arm()
        with pytest.raises(Stopped) as stopped:
            signal.raise_signal(signal.SIGTERM)

    assert stopped.value.exit_code == 143


def test_a_signal_that_came_too_early_is_raised_by_arming() -> None:
    with Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped) as stopped:
            signals.arm()

    assert stopped.value.exit_code == 130


def test_further_signals_are_ignored() -> None:
    with Signals() as signals:
        signals.arm()
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        signals.disarm()
        signal.raise_signal(signal.SIGTERM)


def test_the_handlers_before_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)

    with Signals():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before
