"""Traces by OpenTelemetry, for those who installed the extra `telemetry`; where they go is said by `OTEL_*`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import Engine


def instrument(app: Flask, engines: Iterable[Engine]) -> None:
    """Trace the requests of the application and the statements of its engines."""
    provider = TracerProvider(resource=Resource.create({"service.name": "catalog-service"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    flask: Any = FlaskInstrumentor()
    flask.instrument_app(app)
    statements: Any = SQLAlchemyInstrumentor()
    statements.instrument(engines=list(engines))
