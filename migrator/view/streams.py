"""Responsible for where output goes and what that place can show; not for what is written there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

from migrator.view.ink import Ink


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input, output and error of one invocation, and the environment that says how to treat them."""

    stdin: TextIO
    out: TextIO
    err: TextIO
    environ: Mapping[str, str]

    @classmethod
    def standard(cls) -> Streams:
        """Return the streams of this process, made unable to fail on a character that their encoding lacks."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    @property
    def live(self) -> bool:
        """Whether standard error is a terminal on which lines can be redrawn."""
        return self.err.isatty() and self.environ.get("TERM") != "dumb"

    @property
    def interactive(self) -> bool:
        """Whether a person is there to read a question and answer it."""
        return self.stdin.isatty() and self.err.isatty()

    @property
    def columns(self) -> int:
        """The width of the terminal; ``COLUMNS`` wins."""
        return shutil.get_terminal_size().columns

    def ink(self, stream: TextIO) -> Ink:
        """Return the colours for `stream`, which are none unless it is a terminal that takes them."""
        return Ink(stream.isatty() and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb")
