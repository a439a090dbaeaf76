"""The lock that makes a run the only one is free as soon as the run is over, not when its session has ended."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrator.engine.holding import Holding
from migrator.engine.stop import Stop
from migrator.ledger.lock import DatabaseHeldError, DatabaseLock
from tests.support.databases import Database
from tests.support.project import Project


def test_it_is_free_while_the_server_has_not_ended_the_session_yet(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, database.url)
    other = DatabaseLock(database.connect())
    sessions: list[psycopg.Connection] = []
    with project.target() as target, monkeypatch.context() as patched:
        with Holding(target, "work", lambda _: None, Stop()):
            with pytest.raises(DatabaseHeldError):
                other.acquire()
            patched.setattr(psycopg.Connection, "close", lambda session: sessions.append(session))  # noqa: PLW0108 - a method
        other.acquire()
    for session in sessions:
        session.close()
    assert sessions
