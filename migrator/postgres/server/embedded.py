"""`embedded:DIR`: a private server that all processes using DIR share, started by the first, stopped by the last."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from migrator.postgres.server import processes
from migrator.postgres.server.binaries import Binaries, find_binaries
from migrator.postgres.server.cluster import CLUSTER_NAME, Cluster, Postmaster
from migrator.postgres.server.errors import DirectoryHeldError, ForeignDirectoryError, UnusableDirectoryError

_OURS = {"data", "log", "log.previous", "lock", "users", "software"}
_CONNECT_SECONDS = 10


@contextmanager
def embedded(
    directory: Path,
    *,
    fsync: bool = True,
    settings: Mapping[str, str] | None = None,
    binaries: Binaries | None = None,
    start_seconds: float = 60.0,
) -> Iterator[str]:
    """Run the private server of `directory` for the length of a `with` block, which receives its URL.

    A server that another process has started already is used as it is, whatever `fsync` and `settings` say. The server
    outlives a process that is killed; the next one to use the directory takes it over and stops it in the end.

    Args:
        directory: made if it does not exist.
        fsync: whether committed data survive a power failure; off is for tests.
        settings: further server settings by name.
        binaries: the programs to run; found on the machine by default.
        start_seconds: how long a start, or another process's start, may take.
    """
    cluster = Cluster(_own_home(directory), binaries or find_binaries(), settings or {}, fsync, start_seconds)
    server = EmbeddedServer(cluster)
    url = server.join()
    try:
        yield url
    finally:
        server.leave()


class EmbeddedServer:
    """One process's share in the server of a cluster.

    Every user holds a shared lock on the file `users` as long as it lives; the system drops it even when the process is
    killed. Starting and stopping happen under an exclusive lock on the file `lock`.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._users: int | None = None

    def join(self) -> str:
        """Start the server unless it runs, and return its URL."""
        with self._busy():
            self._users = _open(self._cluster.home / "users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                running = self._cluster.running()
                return (self._adopt(running) if running else self._cluster.start()).url
            except BaseException:
                os.close(self._users)
                self._users = None
                raise

    def leave(self) -> None:
        """Give up the share; the last user stops the server and waits until it is gone."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            with self._busy():
                if _try_exclusive(users):
                    self._cluster.stop()
        finally:
            os.close(users)

    def _adopt(self, running: Postmaster) -> Postmaster:
        """Return the server that runs already, once it answers as one of ours."""
        found: list[Postmaster] = [running]

        def decided() -> bool:
            found.append(self._cluster.running() or found[-1])
            return found[-1].state == "ready"

        if processes.wait_for(decided, self._cluster.start_seconds) and _is_ours(found[-1], self._cluster.data):
            return found[-1]
        raise DirectoryHeldError(
            f"{self._cluster.home} is held by a PostgreSQL server that migrator did not start",
            notes=[_who(running.pid)],
            help="stop that server, or give its address with --database-url",
        )

    @contextmanager
    def _busy(self) -> Iterator[None]:
        lock = _open(self._cluster.home / "lock")
        try:
            if not processes.wait_for(lambda: _try_exclusive(lock), self._cluster.start_seconds):
                holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
                raise DirectoryHeldError(
                    f"another migrator is starting or stopping the server in {self._cluster.home}",
                    notes=[_who(int(holder))] if holder.isdigit() else [],
                    help="wait for it, then run the same command again",
                )
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(lock)


def _own_home(directory: Path) -> Path:
    """Return the absolute path of `directory`, made if need be and known to hold nobody else's files."""
    home = directory.expanduser().resolve()
    try:
        if not home.exists():
            home.mkdir(parents=True, exist_ok=True)
            home.chmod(0o755)  # as root, the server runs as another user; the data in it stay closed
        found = {entry.name for entry in home.iterdir()}
    except OSError as error:
        raise UnusableDirectoryError(f"cannot use {home} for a private server: {error.strerror}") from error
    foreign = sorted(name for name in found - _OURS if not name.startswith("new-"))
    if foreign and "data" not in found:
        what = "a PostgreSQL data directory made elsewhere" if "PG_VERSION" in found else "files of something else"
        raise ForeignDirectoryError(
            f"{home} holds {what}, not a private server",
            notes=[f"found {', '.join(foreign[:5])}{', ...' if len(foreign) > 5 else ''}"],
            help=f"migrator --database-url embedded:{home / 'pg'} ...",
        )
    return home


def _is_ours(postmaster: Postmaster, data: Path) -> bool:
    try:
        with psycopg.connect(postmaster.url, connect_timeout=_CONNECT_SECONDS) as connection:
            row = connection.execute(
                "select current_setting('cluster_name'), current_setting('data_directory')"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return row == (CLUSTER_NAME, str(data))


def _who(pid: int) -> str:
    return f"pid {pid}: {processes.command_of(pid) or 'no longer running'}"


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnusableDirectoryError(f"cannot write {path}: {error.strerror}") from error


def _try_exclusive(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
