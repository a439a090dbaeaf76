from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from migrator.view.streams import Streams


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def piped() -> Streams:
    """Streams of a process in a pipeline."""
    return Streams(io.StringIO(), io.StringIO(), io.StringIO(), {})


@pytest.fixture
def on_terminal() -> Callable[..., Streams]:
    """Return a maker of streams of a process on a terminal, with the environment given as keywords."""

    def make(**environ: str) -> Streams:
        return Streams(Terminal(), Terminal(), Terminal(), environ)

    return make
