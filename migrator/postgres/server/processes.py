"""Facts about processes of this machine by their id; it starts none, and signals only what it is told to."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.01


def command_of(pid: int) -> str | None:
    """Return the command line of process `pid`, or None when no such process runs; a zombie no longer runs."""
    try:
        if (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return None
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None if (_PROC / "self").exists() else _command_by_ps(pid)
    return command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace") or "?"


def _command_by_ps(pid: int) -> str | None:
    answer = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def serves(pid: int, data: Path) -> bool:
    """Tell whether process `pid` belongs to a PostgreSQL server on the data directory `data`.

    A process id can have passed to something else since it was written to a file; this tells the two apart.
    """
    try:
        name = (_PROC / str(pid) / "comm").read_text().strip()
        return name == "postgres" and (_PROC / str(pid) / "cwd").readlink() == data
    except OSError:
        command = command_of(pid)
        return command is not None and "postgres" in command and str(data) in command


def servers_of(data: Path) -> list[int]:
    """Return every process of a server on `data`, sessions included; empty where the system has no `/proc`."""
    return [pid for pid in (int(entry.name) for entry in _PROC.glob("[0-9]*")) if serves(pid, data)]


def signal_all(pids: list[int], signal: int) -> None:
    """Send `signal` to every process of `pids` that still runs."""
    for pid in pids:
        try:
            os.kill(pid, signal)
        except ProcessLookupError:
            continue


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll `condition` until it holds; return False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
