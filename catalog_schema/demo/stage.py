"""Where the demonstration takes place: writes headings and types commands; knows nothing of what they are about."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).parents[2]
"""The checkout, whose plans are shown."""

_PATIENCE = 5.0
"""Seconds that a command gets to finish its chunk before it is asked again, and then before it is killed."""


class CommandFailedError(Exception):
    """A command ended with another exit code than the story goes on from."""


class Stage:
    """Runs `migrator` on the database at `url`, as a user would who has that address in the environment."""

    def __init__(self, url: str, out: TextIO) -> None:
        # Settings of the user are for the user's own database, which a demonstration must never touch.
        own = {name: value for name, value in os.environ.items() if not name.startswith("MIGRATOR_")}
        self._environment = {**own, "DATABASE_URL": url}
        self._out = out
        self._live = out.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self._live and not os.environ.get("NO_COLOR")
        self._passing = False

    def heading(self, text: str) -> None:
        """Begin an act."""
        self.line(f"\n{self._strong(text)}")

    def line(self, text: str) -> None:
        """Say something, in place of what was said in passing."""
        clear = "\r\x1b[K" if self._passing else ""
        self._passing = False
        self._write(f"{clear}{text}\n")

    def passing(self, text: str) -> None:
        """Say something that the next line may replace where lines can be redrawn."""
        if self._live:
            self._passing = True
            self._write(f"\r\x1b[K{text}")
        else:
            self._write(f"{text}\n")

    def migrator(self, command: str, *, expect: int = 0) -> None:
        """Type a command and let it write to where we write.

        Raises:
            CommandFailedError: its exit code is not the expected one.
        """
        self.line(self._strong(f"$ migrator {command}"))
        code, _ = self._run(shlex.split(command))
        self._require(command, code, expect)

    def quietly(self, command: str) -> None:
        """Run a command that is no part of the story.

        Raises:
            CommandFailedError: it failed; the message has all that it wrote.
        """
        code, answer = self._run(shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._require(command, code, 0, answer)

    def ask(self, command: str) -> Any:
        """Return the JSON document that a command answers with.

        Raises:
            CommandFailedError: it failed.
        """
        code, answer = self._run([*shlex.split(command), "--format", "json"], stdout=subprocess.PIPE)
        self._require(command, code, 0)
        return json.loads(answer)

    def _run(
        self, arguments: Sequence[str], *, stdout: int | None = None, stderr: int | None = None
    ) -> tuple[int, str]:
        # In a session of its own, Ctrl-C in the terminal reaches the command only once: from here.
        process = subprocess.Popen(
            [sys.executable, "-m", "migrator", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            answer, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
        return process.returncode, answer or ""

    def _require(self, command: str, code: int, expected: int, said: str = "") -> None:
        if code != expected:
            more = f"\n{said}" if said else ""
            raise CommandFailedError(f"`migrator {command}` ended with exit code {code}, not {expected}{more}")

    def _strong(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._coloured else text

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _end(process: subprocess.Popen[str]) -> None:
    """End a command as two Ctrl-C would, and kill it if that does not help."""
    for ask in (process.terminate, process.terminate, process.kill):
        ask()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        break
