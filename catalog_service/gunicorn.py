"""What gunicorn has to do for the service: `gunicorn --config python:catalog_service.gunicorn`."""

from __future__ import annotations

import os
from typing import Any

from prometheus_client.multiprocess import mark_process_dead


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker that is gone said of itself; what it counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped in prometheus_client
