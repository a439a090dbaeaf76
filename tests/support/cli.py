"""`migrator` as a process, the way a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.polling import wait_until

ROOT = Path(__file__).resolve().parents[2]


def run_cli(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,  # noqa: A002 - as in subprocess.run
    timeout: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Run `migrator ARGS` to the end and return its exit code, output and errors.

    The process sees none of our own settings: neither `MIGRATOR_*`, `DATABASE_URL` nor `PG*`. Without `input` its
    standard input is empty.
    """
    return subprocess.run(
        _command(args),
        env=_environment(env),
        cwd=cwd or ROOT,
        input=input or "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class CliProcess:
    """A running `migrator`; its output is collected as it comes."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen
        self._streams: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [threading.Thread(target=self._collect, args=(name,), daemon=True) for name in self._streams]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def stdout(self) -> str:
        return "".join(self._streams["stdout"])

    @property
    def stderr(self) -> str:
        return "".join(self._streams["stderr"])

    def running(self) -> bool:
        return self.popen.poll() is None

    def send(self, what: signal.Signals) -> None:
        self.popen.send_signal(what)

    def kill(self) -> None:
        """Kill it as `kill -9` does, and wait until it is gone."""
        self.popen.kill()
        self.popen.wait()

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for the end and return the exit code; by then all output is collected."""
        code = self.popen.wait(timeout)
        for reader in self._readers:
            reader.join(timeout=5)
        return code

    def wait_for(self, pattern: str, *, timeout: float = 30.0) -> str:
        """Wait until `pattern` shows in the output or errors and return what matched; fail if it ends first."""

        def found() -> str | None:
            ended = not self.running()
            if ended:
                self.wait()
            printed = self.stdout + self.stderr
            match = re.search(pattern, printed)
            if match is None and ended:
                raise AssertionError(f"ended with {self.popen.returncode} before {pattern!r}:\n{printed}")
            return match and match.group()

        return wait_until(found, timeout=timeout, message=f"output {pattern!r}") or ""

    def _collect(self, name: str) -> None:
        stream: IO[str] = getattr(self.popen, name)
        with stream:
            for line in stream:
                self._streams[name].append(line)


@contextmanager
def start_cli(
    args: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[CliProcess]:
    """Start `migrator ARGS` and yield it while it runs; what is left of it at the end of the block is killed."""
    popen = subprocess.Popen(
        _command(args),
        env=_environment(env),
        cwd=cwd or ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,
    )
    process = CliProcess(popen)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _command(args: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "migrator", *map(str, args)]


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MIGRATOR_", "PG", "COLUMNS")) and name != "DATABASE_URL"
    }
    if "PG_BIN" in os.environ:
        kept["PG_BIN"] = os.environ["PG_BIN"]
    return {**kept, "PYTHONUNBUFFERED": "1", **(env or {})}
