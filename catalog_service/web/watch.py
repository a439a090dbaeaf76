"""Surrounds every request: its id in and out, its session removed, its time and statements measured."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import ExitStack

from flask import Flask, Response, g, request

from catalog_service.catalog import Catalog
from catalog_service.observability.activity import activity
from catalog_service.observability.logging import logger

HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}


def watch_requests(app: Flask, catalog: Catalog) -> None:
    """Make the application watch its requests."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        stack = ExitStack()
        # Only what cannot end the comment it is put into.
        g.activity = stack.enter_context(activity(given if _ID.fullmatch(given) else secrets.token_hex(8)))
        g.stack, g.began = stack, time.perf_counter()

    @app.after_request
    def report(response: Response) -> Response:
        if "activity" in g:
            route = request.url_rule.rule if request.url_rule else "none"
            # A label for every word that somebody sends would be a metric without end.
            method = request.method if request.method in _METHODS else "other"
            seconds = time.perf_counter() - g.began
            catalog.metrics.latency.labels(method, route, str(response.status_code)).observe(seconds)
            catalog.metrics.queries.labels(method, route).observe(g.activity.queries)
            response.headers[HEADER] = g.activity.request_id
            logger().info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000, 2),
                queries=g.activity.queries,
                sql_ms=round(g.activity.sql_seconds * 1000, 2),
            )
        return response

    @app.teardown_appcontext
    def end(_error: BaseException | None) -> None:
        catalog.sessions.remove()
        if (stack := g.pop("stack", None)) is not None:
            stack.close()
