"""Whether the service lives, whether it is ready, and its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from catalog_service.catalog import Catalog
from catalog_service.repositories.documents import StoreError
from catalog_service.repositories.ledger import migrations
from catalog_service.web.clients import catalog

health = Blueprint("health", __name__)


@health.get("/livez")
def live() -> Response:
    """Answer as long as the process can."""
    return jsonify(state="alive")


@health.get("/readyz")
def ready() -> tuple[Response, int]:
    """Tell what works; only the primary is needed to be ready, without the rest the service is merely slower."""
    parts = catalog()
    checks: dict[str, Any] = {
        "cache": _ask(parts.cache.ping, RedisError) if parts.settings.redis_url else "off",
        "documents": _ask(parts.store.ping, StoreError) if parts.store else "off",
    }
    try:
        found = migrations(parts.sessions.engines["primary"])
        shape = parts.flags.look_again()
    except SQLAlchemyError:
        return jsonify(ready=False, database="down", replica=_replica_alone(parts), **checks), 503
    return jsonify(
        ready=True,
        database="up",
        revision=found.revision,
        runs=[{"plan": run.plan, "state": run.state} for run in found.runs],
        readers={move: getattr(shape, move) for move in shape.__slots__},
        replica=_replica(parts),
        **checks,
    ), 200


@health.get("/metrics")
def metrics() -> Response:
    """Return the metrics."""
    parts = catalog()
    for server, engine in parts.sessions.engines.items():
        parts.metrics.pool.labels(server).set(getattr(engine.pool, "checkedout", lambda: 0)())
    return Response(parts.metrics.text(), mimetype="text/plain; version=0.0.4")


def _replica(parts: Catalog) -> str | dict[str, float]:
    if "replica" not in parts.sessions.engines:
        return "off"
    lag = parts.units.lag()
    return "down" if lag is None else {"lag_seconds": round(lag, 3)}


def _replica_alone(parts: Catalog) -> str:
    """Tell whether the replica answers; how far behind it is only the primary knows."""
    replica = parts.sessions.engines.get("replica")
    return "off" if replica is None else _ask(lambda: replica.connect().close(), SQLAlchemyError)


def _ask(ping: Callable[[], None], error: type[Exception]) -> str:
    try:
        ping()
    except error:
        return "down"
    return "up"
