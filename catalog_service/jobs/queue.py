"""The way to the worker: Celery over Redis, by task name, published after commit and never waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from catalog_service.cache.breaker import Breaker

REFRESH = "catalog.refresh_reports"
SWEEP = "catalog.sweep_outbox"
REBUILD = "catalog.rebuild_reports"
BACKFILL = "catalog.backfill"

_SWEEP_SECONDS = 5.0
_NIGHT = 24 * 3600.0


def celery_app(redis_url: str) -> Celery:
    """Return the Celery application, for publishing as well as for the worker."""
    app = Celery("catalog", broker=redis_url or "memory://")
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=0.5,
        broker_transport_options={
            "socket_connect_timeout": 0.5,
            "socket_timeout": 5.0,
            "visibility_timeout": 600,
            "max_retries": 0,
        },
        task_publish_retry=False,
        beat_schedule={
            "sweep": {"task": SWEEP, "schedule": _SWEEP_SECONDS},
            "nightly": {"task": REBUILD, "schedule": _NIGHT},
        },
    )
    return app


class Queue:
    """Asks the worker for things; whatever cannot be asked for now, the sweep of the outbox finds later."""

    def __init__(self, redis_url: str) -> None:
        self._app = celery_app(redis_url) if redis_url else None
        self._breaker = Breaker()

    def refresh(self, product_ids: Sequence[int]) -> bool:
        """Ask for the reports on these products to be made anew; return whether the broker took it."""
        return self._send(REFRESH, [list(product_ids)])

    def rebuild(self) -> bool:
        """Ask for all reports to be made anew."""
        return self._send(REBUILD, [])

    def backfill(self, plan: str) -> bool:
        """Ask for the backfill of a plan to be run."""
        return self._send(BACKFILL, [plan])

    def close(self) -> None:
        """Close all connections."""
        if self._app is not None:
            self._app.close()

    def _send(self, task: str, arguments: list[Any]) -> bool:
        if self._app is None or not self._breaker.closed():
            return False
        try:
            self._app.send_task(task, args=arguments)
        except (OperationalError, RedisError, OSError):
            self._breaker.failed()
            return False
        return True
