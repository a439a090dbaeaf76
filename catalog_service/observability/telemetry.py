"""Traces by OpenTelemetry, for those who installed the extra `telemetry`; where they go is said by `OTEL_*`.

Statements are traced here: the instrumentation that is published for SQLAlchemy does not work with SQLAlchemy 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import Engine, ExceptionContext, event

_SPAN = "catalog_span"


def instrument(app: Flask, engines: Iterable[Engine]) -> None:
    """Trace the requests of the application and the statements of its engines."""
    provider = TracerProvider(resource=Resource.create({"service.name": "catalog-service"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    flask: Any = FlaskInstrumentor()
    flask.instrument_app(app)
    for engine in engines:
        _trace_statements(engine, trace.get_tracer("catalog_service"))


def _trace_statements(engine: Engine, tracer: trace.Tracer) -> None:
    def begin(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        # Without parameters: they may hold what customers wrote.
        attributes = {"db.system.name": "postgresql", "db.query.text": statement}
        verb = statement.split(maxsplit=1)[0]
        setattr(context, _SPAN, tracer.start_span(verb, kind=trace.SpanKind.CLIENT, attributes=attributes))

    def end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        getattr(context, _SPAN).end()

    def fail(failure: ExceptionContext) -> None:
        if (span := getattr(failure.execution_context, _SPAN, None)) is not None:
            span.set_status(trace.StatusCode.ERROR, type(failure.original_exception).__name__)
            span.end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
