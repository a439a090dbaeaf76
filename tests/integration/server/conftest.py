"""Folders for private servers, and other processes that use them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from tests.support.cli import ROOT
from tests.support.servers import Source

PROGRAM = """
import sys
from pathlib import Path
from migrator.errors import MigratorError
from migrator.postgres.server.embedded import embedded

try:
    with embedded(Path(sys.argv[1]), fsync=False) as url:
        print(url, flush=True)
        sys.stdin.read()
except MigratorError as error:
    print(error.code, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


IMPORTABLE = f"{ROOT}:{Path(psycopg.__file__).parents[1]}"
"""The search path on which another Python finds migrator and what it needs."""


class User:
    """Another process that uses the private server of `directory` until told to leave."""

    def __init__(self, directory: Path, *, python: str = sys.executable, **popen: Any) -> None:
        self._popen = subprocess.Popen(
            [python, "-c", PROGRAM, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": IMPORTABLE, "SECRET": "hunter2"},
            **popen,
        )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def joined(self) -> Self:
        """Wait until it has the server."""
        self.url = self.said()
        assert self.url.startswith("postgresql://"), self.url
        return self

    def said(self) -> str:
        assert self._popen.stdout is not None
        return str(self._popen.stdout.readline()).strip()

    def leave(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        assert self._popen.wait(30) == 0

    def interrupt(self) -> None:
        """Press Ctrl-C in its terminal: everything in its process group gets the signal."""
        os.killpg(self.pid, signal.SIGINT)
        assert self.said() == "interrupted"
        self._popen.wait(30)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait(30)

    def close(self) -> None:
        self.kill()
        for stream in (self._popen.stdin, self._popen.stdout):
            assert stream is not None
            stream.close()


class Users:
    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self, directory: Path, **popen: Any) -> User:
        user = User(directory, **popen)
        self._stack.callback(user.close)
        return user

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def home(session_base: Path, postgres_source: Source, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that does not exist yet, where every account can reach it; no server is left on it."""
    if postgres_source.binaries is None:
        pytest.skip(f"needs PostgreSQL programs to start servers with; the session uses {postgres_source.words}")
    from migrator.postgres.server.cluster import Cluster

    folder = session_base / f"home-{os.getpid()}-{id(request):x}"
    folder.mkdir(mode=0o755)
    yield folder / "pg"
    Cluster(folder / "pg", postgres_source.binaries).stop(signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)  # an initdb whose starter was killed may still write


@pytest.fixture
def users() -> Iterator[Users]:
    """Starts other processes that use a private server; what is left of them is killed."""
    made = Users()
    yield made
    made.close()
