"""The composition root: every part of the service, made from the settings and put together; connects to nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from catalog_service.cache import Cache
from catalog_service.jobs.queue import Queue
from catalog_service.observability.metrics import Metrics
from catalog_service.observability.statements import StatementWatch
from catalog_service.repositories.documents import Reports
from catalog_service.repositories.engines import primary_engine, replica_engine
from catalog_service.repositories.flags import Flags
from catalog_service.repositories.lag import ReplicaWatch
from catalog_service.repositories.sessions import Sessions
from catalog_service.services.aftermath import Aftermath
from catalog_service.services.categories import CategoryService
from catalog_service.services.cursors import Cursors
from catalog_service.services.products import ProductService
from catalog_service.services.reports import ReportService
from catalog_service.services.reviews import ReviewService
from catalog_service.services.units import Units
from catalog_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Catalog:
    """The parts of one running service."""

    settings: Settings
    metrics: Metrics
    sessions: Sessions
    flags: Flags
    units: Units
    cache: Cache
    queue: Queue
    store: Reports | None
    products: ProductService
    categories: CategoryService
    reviews: ReviewService
    reports: ReportService

    def close(self) -> None:
        """Close all connections."""
        self.sessions.dispose()
        self.cache.close()
        self.queue.close()
        if self.store is not None:
            self.store.close()


def assemble(settings: Settings, scope: Callable[[], Hashable] | None = None) -> Catalog:
    """Put a service together; `scope` tells its requests apart, by default by thread."""
    metrics = Metrics()
    primary, replica = primary_engine(settings), replica_engine(settings)
    statements = StatementWatch(
        slow=settings.slow_query, sample=settings.slow_query_sample, timings=settings.sql_timings
    )
    for engine in filter(None, (primary, replica)):
        statements.listen(engine)
    sessions = Sessions(primary, replica, scope)
    flags = Flags(primary)
    watch = None if replica is None else ReplicaWatch(primary, replica)
    units = Units(sessions, flags, watch, metrics, settings.replica_lag_limit)
    cache = Cache(settings.redis_url, metrics, ttl=settings.cache_ttl, doubt=settings.own_writes_window)
    queue = Queue(settings.redis_url)
    store = Reports(settings.mongodb_url, settings.mongodb_database) if settings.mongodb_url else None
    cursors = Cursors(settings.secret_key)
    aftermath = Aftermath(cache, queue, metrics)
    return Catalog(
        settings,
        metrics,
        sessions,
        flags,
        units,
        cache,
        queue,
        store,
        ProductService(units, cache, cursors, aftermath),
        CategoryService(units, cache, cursors),
        ReviewService(units, cache, cursors, aftermath),
        ReportService(units, store, cursors, metrics),
    )
