"""One data directory and the server on it: making, starting, stopping. Who may share it is decided in `embedded`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migrator.postgres.server import processes
from migrator.postgres.server.account import Account, choose_account
from migrator.postgres.server.binaries import Binaries
from migrator.postgres.server.errors import OtherVersionError, ServerStartError, UnusableDirectoryError

LOCAL = "127.0.0.1"
CLUSTER_NAME = "migrator-embedded"
STATEMENTS = "pg_stat_statements"
"""Marks a server as ours, so that one that somebody started by hand on the same files is left alone."""

_PORTS = range(21000, 31000)  # below the range from which the system takes ports for outgoing connections
_FAST_STOP_SECONDS = 60.0  # the checkpoint at the end writes everything that changed
_IMMEDIATE_STOP_SECONDS = 10.0
_FRESH = "new-"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a running server says about itself in `postmaster.pid`."""

    pid: int
    port: int
    state: str

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{LOCAL}:{self.port}/postgres"


@dataclass(slots=True)
class Cluster:
    """The files below `home`: `data`, and the `log` of the server that runs on them."""

    home: Path
    binaries: Binaries
    settings: Mapping[str, str] = field(default_factory=dict)
    fsync: bool = True
    start_seconds: float = 60.0

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"

    def running(self) -> Postmaster | None:
        """Return the server that runs on these files, whoever started it."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not lines or not lines[0].isdigit() or not processes.serves(int(lines[0]), self.data):
            return None
        port, state = (int(lines[3]), lines[7].strip()) if len(lines) > 7 else (0, "starting")
        return Postmaster(int(lines[0]), port, state)

    def prepare(self) -> Account:
        """Make the data directory if there is none, and return the account its server runs under.

        Raises:
            OtherVersionError: the data are of another major version than the programs.
            NoAccountError: nobody can run the server.
        """
        if self.data.exists():
            self._check_version()
        account = self.prepare_account()
        if not self.data.exists():
            self._initialise(account)
        return account

    def prepare_account(self) -> Account:
        """Return the account that the server runs under, owning the data as far as there are any.

        Raises:
            NoAccountError: nobody can run the server.
        """
        account, self.binaries = choose_account(self.binaries, self.home, self.data)
        if self.data.exists():
            account.own(self.data)
        return account

    def start(self) -> Postmaster:
        """Start the server, which must not run yet, and wait until it is ready.

        What a killed server or a killed start left behind is cleared away first.

        Raises:
            ServerStartError: it ended, or was not ready in time; the notes show its log.
        """
        self._clear_remains()
        account = self.prepare()
        for port in _free_ports(self.data):
            process = self._launch(account, port)
            if postmaster := self._await_ready(process):
                return postmaster
            if _is_free(port):  # otherwise somebody took the port in between: try the next
                break
        raise self._not_started("the private PostgreSQL did not start")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and wait until it is gone; SIGINT ends its sessions, SIGQUIT is as good as a crash."""
        postmaster = self.running()
        if postmaster is None:
            return
        processes.signal_all([postmaster.pid], how)
        if not processes.wait_for(lambda: processes.command_of(postmaster.pid) is None, _FAST_STOP_SECONDS):
            _kill(lambda: [] if processes.command_of(postmaster.pid) is None else [postmaster.pid])

    def _check_version(self) -> None:
        try:
            version = int((self.data / "PG_VERSION").read_text())
        except (OSError, ValueError) as error:
            message = f"{self.data} is not a PostgreSQL data directory"
            raise UnusableDirectoryError(message, notes=[str(error)]) from error
        if version != self.binaries.version:
            raise OtherVersionError(
                f"{self.home} holds data of PostgreSQL {version}, the programs found are {self.binaries.version}",
                notes=[f"programs: {self.binaries.bin_dir} ({self.binaries.origin})"],
                help=f"PG_BIN=/folder/of/postgresql-{version}/bin migrator ...",
            )

    def _initialise(self, account: Account) -> None:
        # Made aside and renamed, so that a kill in the middle leaves nothing that looks like data.
        fresh = Path(tempfile.mkdtemp(prefix=_FRESH, dir=self.home))
        account.own(fresh)
        arguments = [self.binaries.program("initdb"), "-D", str(fresh), "-U", "postgres", "-E", "UTF8"]
        arguments += ["--locale=C", "--auth=trust", "--no-instructions", *([] if self.fsync else ["--no-sync"])]
        try:
            code, printed = account.run(self.binaries, arguments)
            if code != 0:
                raise ServerStartError(
                    f"initdb could not make a database in {self.home}", notes=printed.strip().splitlines()[-5:]
                )
            fresh.rename(self.data)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _clear_remains(self) -> None:
        # PostgreSQL does not start while sessions of a killed server live on, nor when the id in a left-over
        # postmaster.pid has passed to another process.
        _kill(lambda: processes.servers_of(self.data))
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for abandoned in self.home.glob(f"{_FRESH}*"):
            processes.signal_all(processes.servers_of(abandoned), signal.SIGKILL)
            shutil.rmtree(abandoned, ignore_errors=True)

    def _launch(self, account: Account, port: int) -> subprocess.Popen[bytes]:
        if self.log.exists():
            self.log.replace(self.home / "log.previous")
        settings = {
            "listen_addresses": LOCAL,
            "unix_socket_directories": "",  # one way in is enough, and a socket's path may have 107 bytes only
            "cluster_name": CLUSTER_NAME,
            "fsync": "on" if self.fsync else "off",
            # A gate that asks whether something is still used reads its counters.
            **({"shared_preload_libraries": STATEMENTS} if self.binaries.has_library(STATEMENTS) else {}),
            **self.settings,
        }
        arguments = [self.binaries.program("postgres"), "-D", str(self.data), "-p", str(port)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            process = account.popen(self.binaries, arguments, output=log)
        # Another process may be the last user and stop the server; without this it would stay a zombie of ours.
        threading.Thread(target=process.wait, daemon=True).start()
        return process

    def _await_ready(self, process: subprocess.Popen[bytes]) -> Postmaster | None:
        deadline = time.monotonic() + self.start_seconds
        try:
            while process.poll() is None:
                postmaster = self.running()
                if postmaster and postmaster.pid == process.pid and postmaster.state == "ready":
                    return postmaster
                if time.monotonic() > deadline:
                    raise self._not_started(f"the private PostgreSQL was not ready within {self.start_seconds:g} s")
                time.sleep(0.01)
        except BaseException:
            _kill(lambda: [process.pid] if process.poll() is None else [])
            raise
        return None

    def _not_started(self, message: str) -> ServerStartError:
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return ServerStartError(message, notes=lines, help=f"read {self.log}")


def _kill(alive: Callable[[], list[int]]) -> None:
    """End the processes that `alive` finds as a crash does, and those that do not heed that for good."""
    for how in (signal.SIGQUIT, signal.SIGKILL):
        processes.signal_all(alive(), how)
        if processes.wait_for(lambda: not alive(), _IMMEDIATE_STOP_SECONDS):
            break


def _free_ports(data: Path) -> Iterator[int]:
    """Yield free ports, the same ones for the same folder, so that a client can keep its address over restarts."""
    first = zlib.crc32(os.fsencode(data))
    found = 0
    for step in range(len(_PORTS)):
        port = _PORTS[(first + step) % len(_PORTS)]
        if _is_free(port):
            yield port
            found += 1
            if found == 5:
                return


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL, port))
        except OSError:
            return False
    return True
