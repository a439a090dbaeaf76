"""Several processes use one private server; the first starts it, the last stops it, whatever happens in between."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from migrator.postgres.server import processes
from migrator.postgres.server.binaries import find_binaries
from migrator.postgres.server.cluster import Cluster
from migrator.postgres.server.embedded import embedded
from tests.integration.server.conftest import Users
from tests.support.polling import wait_until


def pid_of(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def test_a_server_starts_in_a_new_folder_and_is_gone_afterwards(home: Path) -> None:
    with embedded(home, fsync=False) as url:
        with psycopg.connect(url) as connection:
            shown = "select current_setting('server_encoding'), current_setting('listen_addresses')"
            assert connection.execute(shown).fetchone() == ("UTF8", "127.0.0.1")
        pid = pid_of(home)
    wait_until(
        lambda: not Path(f"/proc/{pid}").exists(), message="whoever adopted the server has taken note of its end"
    )
    assert processes.servers_of(home / "data") == []


def test_what_was_written_is_there_at_the_next_start_at_the_same_address(home: Path) -> None:
    with embedded(home) as first, psycopg.connect(first) as connection:
        connection.execute("create table kept as select 42 as answer")
    with embedded(home) as second, psycopg.connect(second) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
        assert connection.execute("show fsync").fetchone() == ("on",)
    assert second == first


def test_settings_reach_the_server(home: Path) -> None:
    with embedded(home, fsync=False, settings={"wal_level": "logical"}) as url, psycopg.connect(url) as connection:
        shown = "select current_setting('wal_level'), current_setting('fsync')"
        assert connection.execute(shown).fetchone() == ("logical", "off")


def test_two_processes_share_a_server_and_the_last_one_stops_it(home: Path, users: Users) -> None:
    first = users.start(home).joined()
    second = users.start(home).joined()
    assert second.url == first.url
    with psycopg.connect(second.url, autocommit=True) as connection:
        first.leave()
        assert connection.execute("select 1").fetchone() == (1,)
    second.leave()
    assert processes.servers_of(home / "data") == []


def test_many_processes_that_come_at_once_get_one_server(home: Path, users: Users) -> None:
    started = [users.start(home) for _ in range(4)]
    assert len({user.joined().url for user in started}) == 1
    for user in started:
        user.leave()
    assert processes.servers_of(home / "data") == []


def test_the_starter_may_leave_first_and_keeps_no_zombie(home: Path, users: Users) -> None:
    with embedded(home, fsync=False):
        pid = pid_of(home)
        other = users.start(home).joined()
    assert processes.serves(pid, home / "data")
    other.leave()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), message="the end of the server's process")


def test_the_server_of_a_killed_process_is_taken_over_and_stopped_by_the_next(home: Path, users: Users) -> None:
    killed = users.start(home).joined()
    pid = pid_of(home)
    killed.kill()
    assert processes.serves(pid, home / "data")
    with embedded(home, fsync=False) as url:
        assert url == killed.url
        assert pid_of(home) == pid
    assert processes.servers_of(home / "data") == []


def test_a_ctrl_c_ends_its_own_process_but_not_the_server_of_others(home: Path, users: Users) -> None:
    starter = users.start(home).joined()
    other = users.start(home).joined()
    with psycopg.connect(other.url, autocommit=True) as connection:
        starter.interrupt()
        assert connection.execute("select 1").fetchone() == (1,)
    other.interrupt()
    assert processes.servers_of(home / "data") == []


def test_a_process_killed_in_the_middle_of_making_the_data_leaves_nothing_half_done(home: Path, users: Users) -> None:
    early = users.start(home)
    wait_until(lambda: any(home.glob("new-*/*")), message="the first file of initdb")
    early.kill()
    with embedded(home, fsync=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_leftovers_of_an_abandoned_start_are_removed(home: Path) -> None:
    (home / "new-half" / "base").mkdir(parents=True)
    (home / "new-half" / "PG_VERSION").write_text("18\n")
    with embedded(home, fsync=False):
        assert list(home.glob("new-*")) == []


def test_a_server_whose_main_process_is_killed_recovers_though_a_session_still_works(home: Path) -> None:
    def work(url: str) -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(url) as busy:
            busy.execute("select count(*) from generate_series(1, 10000000000)")  # never looks whether the server lives

    with embedded(home, fsync=False) as url:
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 42 as answer")
        worker = threading.Thread(target=work, args=(url,))
        worker.start()
        busy = "select count(*) from pg_stat_activity where query like 'select count(*) from generate%%'"
        with psycopg.connect(url, autocommit=True) as connection:
            wait_until(lambda: connection.execute(busy).fetchone() == (1,), message="the busy session")
        os.kill(pid_of(home), signal.SIGKILL)
        wait_until(lambda: Cluster(home, find_binaries()).running() is None, message="the end of the main process")
        assert processes.servers_of(home / "data") != []
        with embedded(home, fsync=False) as again, psycopg.connect(again) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)
        worker.join()


def test_a_stale_process_file_that_names_a_living_stranger_is_no_obstacle(home: Path) -> None:
    with embedded(home, fsync=False):
        stale = (home / "data" / "postmaster.pid").read_text()
    lines = stale.splitlines(keepends=True)
    (home / "data" / "postmaster.pid").write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    with embedded(home, fsync=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files in /proc")
def test_the_server_inherits_neither_our_locks_nor_our_secrets(home: Path, users: Users) -> None:
    users.start(home).joined()
    process = Path(f"/proc/{pid_of(home)}")
    held = {entry.readlink() for entry in (process / "fd").iterdir()}
    assert not held & {home / "lock", home / "users"}
    assert b"hunter2" not in (process / "environ").read_bytes()
