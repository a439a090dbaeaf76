"""A table whose counter the backfill raises by its expression, and an application that writes to it all the while."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.support.servers import OwnServer

KILLS = int(os.environ.get("MIGRATOR_TEST_KILLS", "6"))
ROWS_A_KILL = 4000
# The subquery makes each chunk last; the counter tells how often its row was written.
PACE = "CREATE OR REPLACE FUNCTION pace() RETURNS integer LANGUAGE plpgsql AS 'BEGIN {} RETURN 0; END'"
PLAN = """
migrate:
  - backfill:
      table: items
      set: {writes: "writes + 1 + (SELECT pace())"}
      chunk_rows: 100
      fixed: true
      workers: 4
      irreversible: a test
"""


def prepare(server: OwnServer, rows: int) -> None:
    """Make the table with `rows` rows of even keys, and let each chunk last a while."""
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE items (id bigint PRIMARY KEY, note integer DEFAULT 0, writes integer NOT NULL DEFAULT 0, "
            "body text NOT NULL DEFAULT repeat('wide, so that there are enough pages to go over in passes ', 8))"
        )
        connection.execute(f"INSERT INTO items SELECT 2 * n FROM generate_series(0, {rows - 1}) n")
        connection.execute("ANALYZE items")
        connection.execute(PACE.format("PERFORM pg_sleep(0.02);"))


def hasten(server: OwnServer) -> None:
    """Let chunks take no longer than they have to."""
    with server.connect() as connection:
        connection.execute(PACE.format(""))


def require_once(server: OwnServer) -> None:
    """Require that every row was written once: of those that were there at the start none is left out."""
    with server.connect() as connection:
        # A row inserted behind a cursor is the dual write's business.
        found = connection.execute("SELECT id % 2, writes, count(*) FROM items GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    print(found)
    assert {(odd, writes) for odd, writes, _ in found} <= {(0, 1), (1, 0), (1, 1)}


@contextmanager
def writing(server: OwnServer, rows: int, seed: int) -> Iterator[None]:
    """An application that inserts, updates and deletes all the while, and connects again when it is cut off."""
    stopping = threading.Event()

    def work(rng: random.Random) -> None:
        while not stopping.is_set():
            with suppress(psycopg.Error), server.connect() as connection:
                while not stopping.is_set():
                    key = rng.randrange(rows)
                    connection.execute("UPDATE items SET note = note + 1 WHERE id = %s", (2 * key,))
                    connection.execute("INSERT INTO items VALUES (%s) ON CONFLICT DO NOTHING", (2 * key + 1,))
                    connection.execute("DELETE FROM items WHERE id = %s", (2 * rng.randrange(rows),))
                    stopping.wait(0.01)
            stopping.wait(0.05)

    threads = [threading.Thread(target=work, args=(random.Random(seed + n),), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(10)
