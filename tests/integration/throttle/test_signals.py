"""Each signal sees what it is there for, says it as ``signal observed > limit``, and sees when it is over."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest

from migrator.backfill.throttle import signals
from migrator.backfill.throttle.signal import Scene, UnreadableSignal
from migrator.backfill.throttle.window import Window
from migrator.engine.throttling import ELSEWHERE
from migrator.plan import throttle as plan
from tests.integration.throttle.conftest import ROWS, MakeSignal, reasons, size_of
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until


def test_every_key_of_a_plan_has_its_signal() -> None:
    assert set(signals()) | ELSEWHERE == set(plan.Throttle.model_fields)


def test_a_session_that_waits_for_a_lock_of_a_worker_is_seen(
    made: MakeSignal, connection: psycopg.Connection, worker: psycopg.Connection, looking: psycopg.Connection
) -> None:
    waiters = made("lock_waiters", 0)
    assert reasons(waiters, looking) == []
    with worker.transaction():
        worker.execute("UPDATE items SET writes = 1 WHERE id = 1")
        with in_background(lambda: connection.execute("UPDATE items SET writes = 2 WHERE id = 1")):
            wait_until(lambda: reasons(waiters, looking) == ["lock_waiters 1 > 0"])
            worker.execute("ROLLBACK")
    assert reasons(waiters, looking) == []


def test_waiting_for_the_lock_of_somebody_else_is_not_our_doing(
    made: MakeSignal, database: Database, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    other = database.connect()
    with other.transaction():
        other.execute("UPDATE items SET writes = 1 WHERE id = 1")
        with in_background(lambda: connection.execute("UPDATE items SET writes = 2 WHERE id = 1")):
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            wait_until(lambda: looking.execute(waiting).fetchone() != (0,))
            assert reasons(made("lock_waiters", 0), looking) == []
            other.execute("ROLLBACK")


def test_active_sessions_are_counted_without_the_workers(
    made: MakeSignal, connection: psycopg.Connection, worker: psycopg.Connection, looking: psycopg.Connection
) -> None:
    active = made("active_sessions", 1)
    before = active.observe(looking)[0].value
    with (
        in_background(lambda: worker.execute("SELECT pg_sleep(30)")),
        in_background(lambda: connection.execute("SELECT pg_sleep(30)")),
    ):
        wait_until(lambda: active.observe(looking)[0].value > before)
        assert active.observe(looking)[0].what == "active_sessions"
        pids = (connection.info.backend_pid, worker.info.backend_pid)
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event = 'PgSleep'"
        wait_until(lambda: looking.execute(sleeping, (list(pids),)).fetchone() == (2,))
        for pid in pids:
            looking.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_an_old_transaction_is_seen_until_it_ends(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    oldest = made("oldest_transaction", timedelta(milliseconds=1))
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT count(*) FROM items")
    own = re.compile(r"oldest_transaction .* s > 0.001 s")
    assert wait_until(lambda: [one for one in reasons(oldest, looking) if own.fullmatch(one)])
    connection.execute("COMMIT")


def test_wal_that_is_written_counts_per_second(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    rate = made("wal_rate", 1024)
    rate.observe(looking)
    connection.execute("UPDATE items SET writes = writes + 1")
    assert re.fullmatch(r"wal_rate \d.* [kM]B/s > 1 kB/s", reasons(rate, looking)[0])


def test_wal_kept_for_a_slot_is_seen(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    kept = made("wal_kept", 64 * 1024)
    slot = f"kept_{connection.info.backend_pid}"
    connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (slot,))
    try:
        connection.execute("UPDATE items SET writes = writes + 1")
        mine = re.compile(rf"wal_kept for slot {slot} .* > 64 kB")
        assert wait_until(lambda: [one for one in reasons(kept, looking) if mine.fullmatch(one)])
    finally:
        connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
    assert not [one for one in reasons(kept, looking) if slot in one]


def test_a_vacuum_of_the_table_is_waited_for(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    vacuums = made("autovacuum", True)
    assert reasons(vacuums, looking) == []
    connection.execute("UPDATE items SET writes = writes + 1")
    connection.execute("SET vacuum_cost_delay = '100ms'")
    connection.execute("SET vacuum_cost_limit = 1")
    with in_background(lambda: connection.execute("VACUUM (DISABLE_PAGE_SKIPPING) items")) as vacuum:
        assert wait_until(lambda: reasons(vacuums, looking)) == ["autovacuum of items, workers 1 > 0"]
        connection.cancel_safe()
        assert isinstance(vacuum.exception(), psycopg.errors.QueryCanceled)
    assert reasons(vacuums, looking) == []


def test_wal_since_the_last_checkpoint_counts_as_a_share(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    pressure = made("checkpoint", 0.000001)
    connection.execute("UPDATE items SET writes = writes + 1")
    assert wait_until(lambda: reasons(pressure, looking))[0].startswith("checkpoint 0.")


def test_a_query_of_the_plan_gives_a_number(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    query = made(
        "query", plan.Query.model_validate({"sql": "SELECT count(*) FROM items WHERE text LIKE 'x%'", "limit": 100})
    )
    assert reasons(query, looking) == [f"query {ROWS} > 100"]
    connection.execute("DELETE FROM items WHERE id > 90")
    assert reasons(query, looking) == []
    assert reasons(query, looking, waiting=True) == ["query 90 > 80"]
    connection.execute("DELETE FROM items WHERE id > 80")
    assert reasons(query, looking, waiting=True) == []


@pytest.mark.parametrize("sql", ["SELECT NULL::int", "SELECT 1 WHERE false", "SELECT 'much'", "SELECT 'NaN'::float8"])
def test_a_query_that_gives_no_number_says_nothing(made: MakeSignal, looking: psycopg.Connection, sql: str) -> None:
    query = made("query", plan.Query.model_validate({"sql": sql, "limit": 1}))
    with pytest.raises(UnreadableSignal):
        query.observe(looking)


def test_a_query_of_the_plan_cannot_write(made: MakeSignal, looking: psycopg.Connection) -> None:
    query = made("query", plan.Query.model_validate({"sql": "DELETE FROM items RETURNING id", "limit": 1}))
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        query.observe(looking)


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    """A service whose answer is its attribute `answer`, a status and data."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, data = service.answer  # type: ignore[attr-defined]  # set by the test
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def test_a_service_is_asked_for_its_latency(made: MakeSignal, service: HTTPServer, looking: psycopg.Connection) -> None:
    url = f"http://127.0.0.1:{service.server_port}/metrics"
    http = made("http", plan.Http.model_validate({"url": url, "field": "latency.p95", "limit": 200}))
    for answer, expected in (
        ((200, {"latency": {"p95": 199}}), []),
        ((200, {"latency": {"p95": 250.5}}), ["http latency.p95 250.5 > 200"]),
        ((503, {}), ["http status 503 > 299"]),
    ):
        service.answer = answer  # type: ignore[attr-defined]  # read by the handler
        assert reasons(http, looking) == expected
    service.answer = (200, {"latency": "low"})  # type: ignore[attr-defined]  # as above
    with pytest.raises(UnreadableSignal):
        http.observe(looking)


def test_a_service_that_does_not_answer_says_nothing(made: MakeSignal, looking: psycopg.Connection) -> None:
    http = made("http", plan.Http.model_validate({"url": "http://127.0.0.1:1/"}))
    with pytest.raises(OSError, match="refused"):
        http.observe(looking)


def test_a_flag_file_holds_the_work(made: MakeSignal, tmp_path: Path, looking: psycopg.Connection) -> None:
    flag = tmp_path / "hold"
    waits = made("flag_file", str(flag))
    assert reasons(waits, looking) == []
    flag.touch()
    assert reasons(waits, looking) == [f"flag_file {flag} present > absent"]


@pytest.mark.parametrize(
    ("windows", "now", "works"),
    [
        (("22:00-06:00",), "23:59", True),
        (("22:00-06:00",), "05:59", True),
        (("22:00-06:00",), "06:00", False),
        (("22:00-06:00",), "21:59", False),
        (("01:00-02:00", "12:00-13:00"), "12:30", True),
        (("01:00-02:00", "12:00-13:00"), "11:59", False),
    ],
)
def test_windows_of_the_day(
    made: MakeSignal, looking: psycopg.Connection, windows: tuple[str, ...], now: str, works: bool
) -> None:
    scene: Scene = made("window", windows).scene
    expected = [] if works else [f"window {now} > {' '.join(windows)}"]
    assert reasons(Window(windows, scene, lambda: now), looking) == expected


def test_vacuum_in_pace_keeps_the_table_small(
    made: MakeSignal, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    """Every row is rewritten eight times, and yet the table never has twice its size."""
    rows = 10 * ROWS  # so many that a page, and a map of the free space, are small beside the table
    connection.execute(
        "INSERT INTO items SELECT n, repeat('x', 100) FROM generate_series(%s::int, %s) n", (ROWS + 1, rows)
    )
    bloat = made("bloat", 2.0)
    before = size_of(connection)
    for _ in range(8):
        for first in range(1, rows, rows // 10):
            wait_until(lambda: not reasons(bloat, looking), timeout=60)
            connection.execute(
                "UPDATE items SET writes = writes + 1 WHERE id BETWEEN %s AND %s", (first, first + rows // 10 - 1)
            )
            if connection.info.server_version >= 150000:  # else the dead rows are told of a second later
                connection.execute("SELECT pg_stat_force_next_flush()")
            assert size_of(connection) <= before * 2.3
    bloat.close()
    assert connection.execute("SELECT min(writes), max(writes) FROM items").fetchone() == (8, 8)


def test_work_stands_while_an_old_transaction_keeps_vacuum_from_its_work(
    made: MakeSignal, database: Database, connection: psycopg.Connection, looking: psycopg.Connection
) -> None:
    bloat = made("bloat", 1.5)
    reasons(bloat, looking)
    old = database.connect()
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT count(*) FROM items")
    connection.execute("UPDATE items SET writes = writes + 1")
    assert re.fullmatch(r"bloat of items during VACUUM \d\.\d\d > 1\.42", reasons(bloat, looking)[0])
    bloat.close()
    assert reasons(bloat, looking)
