"""The two servers: an engine for the primary and one for the replica, with every limit of their pools pinned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url

from catalog_service.repositories.patience import limit_waiting
from catalog_service.settings import Settings

_GRACE = 1.0
"""Seconds after which the server should have told that the statement took too long."""


def primary_engine(settings: Settings) -> Engine:
    """Return the engine that everything is written through."""
    return _engine(settings, settings.database_url, "")


def replica_engine(settings: Settings) -> Engine | None:
    """Return the engine for reads only: a write that is sent here by mistake fails, also where the server is none."""
    if not settings.replica_url or not settings.read_from_replica:
        return None
    return _engine(settings, settings.replica_url, " -c default_transaction_read_only=on")


def _engine(settings: Settings, url: str, more: str) -> Engine:
    options = f"-c statement_timeout={int(settings.statement_timeout * 1000)}"
    # A client that vanished in the middle of a transaction must not hold its locks for ever.
    options += f" -c idle_in_transaction_session_timeout={int(settings.statement_timeout * 2000)}{more}"
    connect: dict[str, Any] = {
        "application_name": "catalog-service",
        "connect_timeout": settings.connect_timeout,
        "options": options,
    }
    engine = create_engine(
        normalised(url),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        pool_recycle=settings.pool_recycle,
        pool_pre_ping=True,
        pool_use_lifo=True,
        connect_args=connect,
    )
    limit_waiting(engine, settings.statement_timeout + _GRACE)
    return engine


def normalised(url: str) -> URL:
    """Return an address with the one driver that the service is installed with."""
    scheme, _, rest = url.partition("://")
    return make_url(f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url)
