"""The folder of a test session, and clearing away what sessions that were killed left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import IO

from migrator.postgres.server import processes

_PREFIX = "migrator-tests-"
_LOCK = "session.lock"
_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30  # bytes; a session of both workers has come to 0.7 GB


def make_base() -> tuple[Path, IO[str]]:
    """Return a new folder for a session, and the lock that shows the session alive for as long as it is open."""
    base = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
    base.chmod(0o755)  # as root, servers run as another user who must be able to get here
    lock = (base / "session.new").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (base / "session.new").rename(base / _LOCK)  # locked before another session's sweep can see it
    return base, lock


def sweep() -> None:
    """Stop the servers and remove the folders of dead sessions of this user."""
    places = {_MEMORY, Path(tempfile.gettempdir())}
    for lock_file in (file for place in places for file in place.glob(f"{_PREFIX}*/{_LOCK}")):
        try:
            with lock_file.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_base(lock_file.parent)
        except OSError:  # alive, or somebody else's
            continue


def _parent() -> Path:
    """Return a folder in memory where that has plenty of room.

    On ext4 a new file passes over all that were deleted in the last minutes (`recently_deleted` in fs/ext4/ialloc.c),
    and a database that a test makes and drops is three hundred of them.
    """
    if os.access(_MEMORY, os.W_OK | os.X_OK):
        about = os.statvfs(_MEMORY)
        if not about.f_flag & os.ST_NOEXEC and about.f_bavail * about.f_frsize >= _ROOM:
            return _MEMORY
    return Path(tempfile.gettempdir())


def remove_base(base: Path) -> None:
    """Remove the folder of a session and every server that still runs in it."""
    for pid_file in base.rglob("postmaster.pid"):
        processes.signal_all(processes.servers_of(pid_file.parent), signal.SIGKILL)
    shutil.rmtree(base, ignore_errors=True)
