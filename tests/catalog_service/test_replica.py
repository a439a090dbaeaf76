"""Reads on a replica: routed there, back to the primary when it lags or is gone, and never for one's own writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from catalog_service.repositories import lag
from tests.catalog_service.conftest import build, parts
from tests.support.databases import Database, Databases
from tests.support.polling import wait_until
from tests.support.servers import ServerMaker, Standby

Json = dict[str, Any]


@pytest.fixture
def pair(servers: ServerMaker) -> Iterator[tuple[Database, Standby]]:
    primary = servers.server()
    databases = Databases(primary.url, "pair")
    database = databases.create()
    build(database)
    standby = servers.replica(primary)
    wait_until(lambda: caught_up(database, standby), message="the replica catches up")
    yield database, standby
    database.close()
    databases.close()


def caught_up(database: Database, standby: Standby) -> bool:
    with database.connect() as primary, standby.connect() as replica:
        (position,) = primary.execute("SELECT pg_current_wal_lsn()").fetchone() or (None,)
        row = replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (str(position),)).fetchone()
    return bool(row and row[0])


def replica_url(database: Database, standby: Standby) -> str:
    return f"{standby.url.rpartition('/')[0]}/{database.name}"


def value(app: Flask, name: str, **labels: str) -> float:
    return parts(app).metrics.registry.get_sample_value(name, labels) or 0.0


def test_reads_follow_the_replica_and_come_back_when_it_cannot_be_used(
    pair: tuple[Database, Standby], make_app: Callable[..., Flask], product: Json
) -> None:
    database, standby = pair
    app = make_app(database, replica_url=replica_url(database, standby), replica_lag_limit=4.0, own_writes_window=6.0)
    reader = app.test_client()
    reader_reads(app, reader)
    writes_fail_loudly(app)
    own_writes_are_seen(app, standby, product)
    a_replica_that_lags_too_far_is_left(app, database, standby, reader)
    a_replica_that_is_gone_is_left(app, standby, reader)


def reader_reads(app: Flask, reader: FlaskClient) -> None:
    assert reader.get("/v1/products").status_code == 200
    assert value(app, "catalog_reads_total", server="replica") == 1
    assert value(app, "catalog_reads_total", server="primary") == 0


def writes_fail_loudly(app: Flask) -> None:
    with (
        app.app_context(),
        parts(app).sessions.reading("replica") as session,
        pytest.raises(InternalError, match="read-only"),
    ):
        session.execute(text("DELETE FROM reviews"))


def own_writes_are_seen(app: Flask, standby: Standby, product: Json) -> None:
    standby.set_apply_delay(3)
    writer, other = app.test_client(), app.test_client()
    for number in range(5):
        added = writer.post("/v1/products", json={**product, "sku": f"OWN-{number}"})
        assert added.status_code == 201, added.text
        path = f"/v1/products/{added.json['id']}"
        assert writer.get(path).json == added.json
        assert writer.get("/v1/products?limit=1").json["items"][0]["id"] == added.json["id"]
        assert other.get(path).status_code == 404, "somebody else reads from the replica, which lags by 3 s"
    standby.set_apply_delay(0)


def a_replica_that_lags_too_far_is_left(app: Flask, database: Database, standby: Standby, reader: FlaskClient) -> None:
    wait_until(lambda: caught_up(database, standby), message="the replica catches up")
    standby.pause_replay()
    with database.connect() as connection:
        connection.execute("UPDATE products SET title = 'seen at once' WHERE id = 1")

    watch = parts(app).units._watch
    assert watch is not None
    wait_until(lambda: (watch.lag() or 0) > 4.0, message="the lag is over the limit", interval=0.25)
    assert reader.get("/v1/products/1").json["title"] == "seen at once"
    assert value(app, "catalog_replica_fallbacks_total", reason="lag") >= 1
    standby.resume_replay()
    wait_until(lambda: watch.lag() is not None and (watch.lag() or 0) < 4.0, message="the replica is back")


def a_replica_that_is_gone_is_left(app: Flask, standby: Standby, reader: FlaskClient) -> None:
    before = value(app, "catalog_reads_total", server="replica")
    assert reader.get("/v1/products").status_code == 200
    assert value(app, "catalog_reads_total", server="replica") == before + 1
    standby.kill_immediate()
    for _ in range(5):
        assert reader.get("/v1/products").status_code == 200
    left = sum(value(app, "catalog_replica_fallbacks_total", reason=reason) for reason in ("error", "down"))
    assert left >= 5
    standby.start()
    app_watch = parts(app).units._watch
    assert app_watch is not None
    wait_until(lambda: app_watch.lag() is not None, message="the replica is found again")
    assert reader.get("/v1/products").status_code == 200
    assert value(app, "catalog_reads_total", server="replica") == before + 2


def test_a_server_that_hangs_holds_nobody_up_for_long(
    pair: tuple[Database, Standby], make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "_INTERVAL", 0.0)  # as with requests that come further apart than it looks
    database, standby = pair
    app = make_app(database, replica_url=replica_url(database, standby), statement_timeout=0.5, connect_timeout=2)
    reader = app.test_client()
    reader_reads(app, reader)
    watch = parts(app).units._watch
    assert watch is not None

    with standby.frozen():
        begun = time.monotonic()
        assert [reader.get("/v1/products").status_code for _ in range(20)] == [200] * 20
        assert time.monotonic() - begun < 20, "each wait ends soon after the statement's own timeout"
        assert value(app, "catalog_reads_total", server="primary") == 20
    wait_until(lambda: watch.lag() is not None, message="the replica is found again")


def test_a_primary_that_hangs_is_an_answer_of_503_and_forgotten_when_it_goes_on(
    servers: ServerMaker, make_app: Callable[..., Flask], product: Json
) -> None:
    primary = servers.server()
    databases = Databases(primary.url, "hangs")
    database = databases.create()
    build(database)
    client = make_app(database, statement_timeout=0.5, connect_timeout=2).test_client()
    assert client.get("/v1/products").status_code == 200

    with primary.frozen():
        begun = time.monotonic()
        assert client.get("/v1/products").status_code == 503
        assert client.post("/v1/products", json=product).status_code == 503
        assert time.monotonic() - begun < 10
    assert client.get("/v1/products").status_code == 200
    database.close()
    databases.close()


def test_the_readiness_tells_a_replica_that_works_from_one_that_does_not_while_the_primary_is_down(
    pair: tuple[Database, Standby], make_app: Callable[..., Flask]
) -> None:
    database, standby = pair
    nowhere = f"postgresql://nobody@127.0.0.1:9/{database.name}"
    app = make_app(nowhere, replica_url=replica_url(database, standby), connect_timeout=2)
    reader = app.test_client()

    assert reader.get("/readyz").json == {
        "ready": False,
        "database": "down",
        "replica": "up",
        "cache": "off",
        "documents": "off",
    }
    standby.kill_immediate()
    assert reader.get("/readyz").json["replica"] == "down"
