"""The worker: `celery -A catalog_service.worker worker -B`.

Tasks take ids, open a scope of their own, and may be repeated.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from celery import Celery, signals

from catalog_service.catalog import Catalog, assemble
from catalog_service.jobs import queue
from catalog_service.observability import logging
from catalog_service.observability.activity import activity
from catalog_service.repositories.documents import StoreError
from catalog_service.services.errors import UnavailableError
from catalog_service.settings import Settings

app: Celery = queue.celery_app(os.environ.get("CATALOG_REDIS_URL", ""))

_LATER: dict[str, Any] = {
    "autoretry_for": (StoreError, UnavailableError),
    "retry_backoff": True,
    "retry_backoff_max": 30,
    "max_retries": 5,
}


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _configure_logging(**_: Any) -> None:
    logging.configure()


@cache
def _catalog() -> Catalog:
    # Made by the first job of a process: connections must not be shared with the process that forked it.
    return assemble(Settings.from_environment(os.environ))


@contextmanager
def _scope() -> Iterator[Catalog]:
    catalog = _catalog()
    with activity(f"job-{secrets.token_hex(6)}"):
        try:
            yield catalog
        finally:
            catalog.sessions.remove()


@app.task(name=queue.REFRESH, **_LATER)  # type: ignore[untyped-decorator]
def refresh_reports(product_ids: list[int]) -> None:
    """Make the reports on some products anew."""
    with _scope() as catalog:
        catalog.reports.refresh(product_ids)


@app.task(name=queue.SWEEP)  # type: ignore[untyped-decorator]
def sweep_outbox() -> None:
    """Refresh whatever the outbox still lists: jobs that were lost, or never published."""
    with _scope() as catalog:
        catalog.reports.sweep()


@app.task(name=queue.REBUILD, **_LATER)  # type: ignore[untyped-decorator]
def rebuild_reports() -> None:
    """Make all reports anew."""
    with _scope() as catalog:
        catalog.reports.rebuild()


@app.task(name=queue.BACKFILL)  # type: ignore[untyped-decorator]
def backfill(plan: str) -> None:
    """Run or resume the backfill of a plan. Repeating it is safe: it goes on where it was."""
    settings = Settings.from_environment(os.environ)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    environment["DATABASE_URL"] = settings.database_url
    subprocess.run([sys.executable, "-m", "migrator", "backfill", plan], env=environment, check=True)
