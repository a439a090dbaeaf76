"""Every metric of the service, in a registry of the application's own; knows nothing of what it counts."""

from __future__ import annotations

import os
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_COUNTS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 25, 50, 100)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.latency = histogram(
            "catalog_request_seconds", "Time to answer", ["method", "route", "status"], buckets=_SECONDS
        )
        self.queries = histogram(
            "catalog_request_queries", "Statements per request", ["method", "route"], buckets=_COUNTS
        )
        self.cache = counter("catalog_cache_total", "Look-ups in the cache", ["kind", "outcome"])
        self.reads = counter("catalog_reads_total", "Units of reading, by server", ["server"])
        self.fallbacks = counter(
            "catalog_replica_fallbacks_total", "Reads that went to the primary instead", ["reason"]
        )
        self.mismatches = counter(
            "catalog_reader_mismatches_total", "Values that differ between old and new column", ["move"]
        )
        self.compared = counter("catalog_reader_compared_total", "Values compared", ["move"])
        self.repeats = counter(
            "catalog_repeats_total", "Units of work begun again, since the schema moved beneath them", ["reason"]
        )
        self.unpublished = counter(
            "catalog_unpublished_total", "Changes left to the sweep, since the broker did not answer"
        )
        self.report_fallbacks = counter(
            "catalog_report_fallbacks_total", "Reports from SQL, since the document store did not answer"
        )
        self.pool = gauge("catalog_pool_connections", "Connections in use", ["server"], multiprocess_mode="livesum")
        self.lag = gauge("catalog_replica_lag_seconds", "How far the replica is behind", multiprocess_mode="livemax")

    def text(self) -> bytes:
        """Return all metrics in the text format; of all workers, where they share a folder."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # untyped in prometheus_client
        return generate_latest(shared)
