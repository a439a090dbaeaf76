"""Structured logs: one JSON object per line on stderr, each with the request it belongs to."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from catalog_service.observability.activity import current


def _with_request(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if (activity := current()) is not None:
        event.setdefault("request_id", activity.request_id)
    return event


def configure() -> None:
    """Send what structlog and the standard library log to stderr, as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_request,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def logger() -> structlog.stdlib.BoundLogger:
    """Return the logger of the service."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger("catalog")
    return bound
