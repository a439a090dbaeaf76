"""Responsible for how a run looks to a monitoring system: numbers in the OpenMetrics format, in a file or over HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.openmetrics.exposition import generate_latest

from migrator.engine.events import Event, LockRetry, RowProgress, RunFinished, RunStarted, StepFinished
from migrator.settings import ADDRESS, BadSettingError

INTERVAL = 1.0
"""Seconds between two writes of a file while rows are moved."""
_STEP = ("plan", "phase", "step")


@contextmanager
def published(where: str) -> Iterator[Callable[[Event], None]]:
    """Give what takes the events of a run, and publishes their numbers in a file, or at ``HOST:PORT``.

    Raises:
        BadSettingError: the file cannot be written, or the port not be opened.
    """
    numbers, address = Numbers(), ADDRESS.fullmatch(where)
    if address:
        with _served(numbers, where, address["host"], int(address["port"])):
            yield numbers.take
    else:
        with _written(numbers, Path(where)) as write:
            yield write


class Numbers:
    """The numbers of a run, kept up to date by its events."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._plan = ""
        self._gauges = {
            name: Gauge(f"migrator_{name}", text, _STEP, registry=self.registry)
            for name, text in {
                "rows_done": "Rows that the step has walked.",
                "rows_total": "Rows that the step will walk, by the statistics of the table.",
                "rows_per_second": "Rows per second over the last chunks.",
                "eta_seconds": "Seconds until the step ends at the recent rate.",
                "chunk_rows": "Rows of the last chunk.",
                "chunk_seconds": "Seconds that the last chunk took.",
                "workers": "Connections that work on the step.",
                "waiting": "1 while the work stands still because of a throttle, a pause or a lock.",
            }.items()
        }
        self._steps = {
            name: Gauge(f"migrator_steps_{name}", text, ("plan",), registry=self.registry)
            for name, text in {"done": "Steps of the plan that are done.", "total": "Steps of the plan."}.items()
        }
        self._running = Gauge("migrator_running", "1 while a run is under way.", ("plan",), registry=self.registry)
        self._retries = Counter(
            "migrator_lock_retries",
            "Locks that were not granted in time.",
            ("plan", "relation"),
            registry=self.registry,
        )

    def take(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case RunStarted():
                self._plan = event.plan
                self._running.labels(event.plan).set(1)
                self._steps["done"].labels(event.plan).set(event.steps_done)
                self._steps["total"].labels(event.plan).set(event.steps_total)
            case RunFinished():
                self._running.labels(event.plan).set(0)
            case StepFinished():
                self._steps["done"].labels(self._plan).inc(-1 if event.undo else 1)
            case LockRetry():
                self._retries.labels(self._plan, event.relation).inc()
            case RowProgress():
                self._rows(event)
            case _:
                pass

    def text(self) -> bytes:
        """Return the numbers in the OpenMetrics format."""
        return bytes(generate_latest(self.registry))  # type: ignore[no-untyped-call]  # untyped in prometheus_client

    def _rows(self, event: RowProgress) -> None:
        step = event.step
        labels = (self._plan, step.phase, f"{step.index} {step.title}") if step else (self._plan, "", "")
        values = {
            "rows_done": event.rows_done,
            "rows_total": event.rows_total,
            "rows_per_second": event.rows_per_second,
            "eta_seconds": float("nan") if event.eta is None else event.eta,
            "chunk_rows": event.chunk_rows,
            "chunk_seconds": event.chunk_seconds,
            "workers": event.workers,
            "waiting": 1 if event.waiting else 0,
        }
        for name, value in values.items():
            self._gauges[name].labels(*labels).set(value)


@contextmanager
def _written(numbers: Numbers, path: Path) -> Iterator[Callable[[Event], None]]:
    def write() -> None:
        beside = path.with_name(f".{path.name}.{os.getpid()}")  # whoever reads sees the old text or the new
        beside.write_bytes(numbers.text())
        beside.replace(path)

    last = time.monotonic()

    def take(event: Event) -> None:
        nonlocal last
        numbers.take(event)
        if time.monotonic() - last >= INTERVAL:
            last = time.monotonic()
            with suppress(OSError):  # a run is not worth less without its numbers
                write()

    try:
        write()
    except OSError as error:
        raise BadSettingError(
            f"the metrics cannot be written to {path}: {error.strerror}", help="correct the setting metrics"
        ) from error
    try:
        yield take
    finally:
        with suppress(OSError):
            write()


@contextmanager
def _served(numbers: Numbers, where: str, host: str, port: int) -> Iterator[None]:
    try:
        server, thread = start_http_server(port, host.strip("[]") or "127.0.0.1", numbers.registry)
    except (OSError, OverflowError) as error:
        raise BadSettingError(
            f"the metrics cannot be served at {where}: {error}", help="correct the setting metrics"
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
