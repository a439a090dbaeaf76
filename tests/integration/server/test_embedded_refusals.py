"""A private server says clearly why it does not start, and leaves what it found alone."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from migrator.postgres.server import cluster, processes
from migrator.postgres.server.account import Account
from migrator.postgres.server.binaries import find_binaries
from migrator.postgres.server.cluster import Cluster
from migrator.postgres.server.embedded import embedded
from migrator.postgres.server.errors import (
    DirectoryHeldError,
    ForeignDirectoryError,
    OtherVersionError,
    ServerStartError,
    UnusableDirectoryError,
)


def test_a_folder_with_other_files_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "thesis.txt").write_text("all my work")
    with pytest.raises(ForeignDirectoryError) as raised, embedded(home):
        pass
    assert "thesis.txt" in raised.value.notes[0]
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


def test_a_data_directory_made_elsewhere_is_not_taken_over(home: Path) -> None:
    home.mkdir()
    (home / "PG_VERSION").write_text("18\n")
    with pytest.raises(ForeignDirectoryError, match="data directory"), embedded(home):
        pass


def test_a_file_in_place_of_the_folder_is_named(home: Path) -> None:
    home.write_text("")
    with pytest.raises(UnusableDirectoryError, match=str(home)), embedded(home):
        pass


def test_a_data_folder_without_data_is_named(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    with pytest.raises(UnusableDirectoryError, match="not a PostgreSQL data directory"), embedded(home):
        pass


def test_data_of_another_major_version_are_refused_with_both_versions(home: Path) -> None:
    with embedded(home, fsync=False):
        pass
    (home / "data" / "PG_VERSION").write_text("13\n")
    with pytest.raises(OtherVersionError, match=f"13.*{find_binaries().version}"), embedded(home):
        pass


def test_a_server_that_somebody_started_by_hand_is_named_and_not_stopped(home: Path) -> None:
    with embedded(home, fsync=False):
        pass
    by_hand = Cluster(home, find_binaries(), {"cluster_name": "mine"}, fsync=False)
    postmaster = by_hand.start()
    with pytest.raises(DirectoryHeldError) as raised, embedded(home):
        pass
    assert raised.value.notes[0].startswith(f"pid {postmaster.pid}: ")
    assert "postgres -D" in raised.value.notes[0]
    psycopg.connect(postmaster.url).close()


def test_a_start_that_takes_too_long_elsewhere_names_the_process(home: Path) -> None:
    home.mkdir()
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(str(os.getpid()))
        held.flush()
        with pytest.raises(DirectoryHeldError) as raised, embedded(home, start_seconds=0.1):
            pass
    assert raised.value.notes[0].startswith(f"pid {os.getpid()}: ")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(home: Path) -> None:
    with pytest.raises(ServerStartError) as raised, embedded(home, fsync=False, settings={"no_such_setting": "1"}):
        pass
    assert any("no_such_setting" in note for note in raised.value.notes)


def test_a_start_that_is_not_done_in_time_is_given_up_and_leaves_no_process(home: Path) -> None:
    with embedded(home, fsync=False):
        pass
    with pytest.raises(ServerStartError, match="not ready within 0 s"), embedded(home, start_seconds=0):
        pass
    assert Cluster(home, find_binaries()).running() is None


def test_a_start_that_hangs_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded(home, fsync=False):
        pass
    launch = Cluster._launch

    def hanging(self: Cluster, account: Account, port: int) -> subprocess.Popen[bytes]:
        process = launch(self, account, port)
        os.kill(process.pid, signal.SIGSTOP)
        return process

    monkeypatch.setattr(Cluster, "_launch", hanging)
    monkeypatch.setattr(cluster, "_IMMEDIATE_STOP_SECONDS", 0.5)
    with pytest.raises(ServerStartError, match="not ready within 0 s"), embedded(home, start_seconds=0):
        pass
    assert not processes.servers_of(home / "data")


def test_a_server_that_hangs_is_stopped_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_FAST_STOP_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "_IMMEDIATE_STOP_SECONDS", 0.5)
    with embedded(home, fsync=False):
        for pid in processes.servers_of(home / "data"):
            os.kill(pid, signal.SIGSTOP)
    assert Cluster(home, find_binaries()).running() is None
