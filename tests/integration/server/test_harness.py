"""The fixtures that all other integration tests stand on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migrator.postgres.server import processes
from tests.support.databases import Database, Databases, Templates
from tests.support.leftovers import make_base, remove_base, sweep
from tests.support.polling import wait_until
from tests.support.proxy import TcpProxy
from tests.support.servers import OwnServer, ServerMaker
from tests.support.sessions import blocker


@pytest.mark.parametrize("round_number", [1, 2])
def test_every_test_gets_an_empty_database(database: Database, round_number: int) -> None:
    connection = database.connect()
    assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)
    connection.execute("create table public.left_behind (id int)")


def test_a_dropped_database_is_gone_even_when_sessions_are_left(databases: Databases) -> None:
    database = databases.create()
    with psycopg.connect(database.url) as left_open:
        databases.drop(database)
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("select 1")


@pytest.mark.parametrize("copy_number", [1, 2])
def test_a_template_is_built_once_and_copied_whole(
    templates: Templates, database_from: Callable[[str], Database], copy_number: int
) -> None:
    def build(database: Database) -> None:
        with database.connect() as connection:
            connection.execute("create table filled as select n from generate_series(1, 1000) n")

    name = templates.get("filled", build)
    assert templates.get("filled", lambda _: pytest.fail("built twice")) == name
    connection = database_from(name).connect()
    assert connection.execute("select count(*) from filled").fetchone() == (1000,)
    connection.execute("delete from filled")


def test_a_template_whose_build_fails_can_be_built_again(templates: Templates) -> None:
    def fail(database: Database) -> None:
        raise LookupError(database.name)

    with pytest.raises(LookupError):
        templates.get("fails first", fail)
    assert templates.get("fails first", lambda _: None)


def test_a_blocker_holds_its_lock_until_the_block_ends(database: Database) -> None:
    connection = database.connect()
    connection.execute("create table held (id int)")
    locked = pytest.raises(psycopg.errors.LockNotAvailable)
    with blocker(database.url, "lock table held"), locked, connection.transaction():
        connection.execute("lock table held nowait")
    with connection.transaction():
        connection.execute("lock table held nowait")


def test_a_killed_server_comes_back_at_the_same_address_with_its_data(own_server: OwnServer) -> None:
    url = own_server.url
    with own_server.connect() as connection:
        connection.execute("create table kept as select 1 as one")
    own_server.kill_immediate()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    own_server.start()
    assert own_server.url == url
    with own_server.connect() as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)


def test_a_replica_follows_and_can_be_held_back(servers: ServerMaker) -> None:
    primary = servers.server()
    standby = servers.replica(primary)
    with primary.connect() as writer, standby.connect() as reader:

        def seen() -> object:
            exists = reader.execute("select to_regclass('t') is not null").fetchone()
            return exists and exists[0] and reader.execute("select max(n) from t").fetchone()

        writer.execute("create table t as select 1 as n")
        wait_until(lambda: seen() == (1,), message="the first row on the standby")
        standby.pause_replay()
        paused = "select pg_get_wal_replay_pause_state() = 'paused'"
        wait_until(lambda: reader.execute(paused).fetchone() == (True,), message="the pause")
        writer.execute("insert into t values (2)")
        behind = "select pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 0 from pg_stat_replication"
        wait_until(lambda: writer.execute(behind).fetchone() == (True,), message="a lag in bytes")
        assert seen() == (1,)
        standby.resume_replay()
        wait_until(lambda: seen() == (2,), message="the second row on the standby")


def test_a_replica_applies_late_when_told_to(servers: ServerMaker) -> None:
    standby = servers.replica(servers.server())
    standby.set_apply_delay(1.5)
    with standby.connect() as reader:
        shown = "select current_setting('recovery_min_apply_delay')"
        wait_until(lambda: reader.execute(shown).fetchone() == ("1500ms",), message="the delay in force")


def test_a_new_session_clears_away_a_dead_one_and_spares_a_living_one(servers: ServerMaker) -> None:
    dead, dead_lock = make_base()
    living, living_lock = make_base()
    server = ServerMaker(dead, servers.binaries).server()
    dead_lock.close()
    sweep()
    assert not dead.exists()
    assert processes.command_of(server.pid) is None
    assert living.exists()
    living_lock.close()
    remove_base(living)


def test_a_proxy_passes_everything_until_it_cuts(database: Database) -> None:
    with TcpProxy(database.url) as proxy:
        with psycopg.connect(proxy.url, autocommit=True) as connection:
            assert connection.execute("select length(repeat('x', 1000000))").fetchone() == (1000000,)
            proxy.cut()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        with psycopg.connect(proxy.url, autocommit=True) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert proxy.connections == 2


def test_a_proxy_cuts_after_the_next_bytes_of_the_server(database: Database) -> None:
    with TcpProxy(database.url) as proxy, psycopg.connect(proxy.url, autocommit=True) as connection:
        connection.execute("create table reached (id int)")
        proxy.cut(after_bytes=3)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("insert into reached values (1)")
    assert database.connect().execute("select count(*) from reached").fetchone() == (1,)


def test_a_proxy_that_refuses_lets_nobody_in(database: Database) -> None:
    with TcpProxy(database.url) as proxy:
        proxy.refuse()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(proxy.url)
        proxy.refuse(refusing=False)
        psycopg.connect(proxy.url).close()
