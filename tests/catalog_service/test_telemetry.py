"""Traces: with the extra and one setting, requests and their statements reach a collector."""

from __future__ import annotations

import os
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from catalog_service.app import create_app
from catalog_service.settings import Settings, SettingsError
from tests.catalog_service.conftest import SECRET
from tests.support.databases import Database
from tests.support.polling import wait_until
from tools.servers import LOCAL, Process, free_port


@contextmanager
def collector(spans: list[Any]) -> Iterator[str]:
    class Collect(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(span for one in sent.resource_spans for scoped in one.scope_spans for span in scoped.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOCAL, 0), Collect)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{LOCAL}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_and_its_statements_are_one_trace(catalog_database: Database, tmp_path: Path) -> None:
    spans: list[Any] = []
    port = free_port()
    with collector(spans) as endpoint:
        environment = {
            **os.environ,
            "CATALOG_DATABASE_URL": catalog_database.url,
            "CATALOG_SECRET_KEY": SECRET,
            "CATALOG_TELEMETRY": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOCAL}:{port}", "catalog_service.wsgi:application()"]
        service = Process(command, port, tmp_path / "gunicorn.log", environment)
        service.start()
        try:
            urllib.request.urlopen(f"http://{LOCAL}:{port}/v1/products/1", timeout=60).close()
            wait_until(lambda: any(one.name == "GET /v1/products/<int:product_id>" for one in spans))
        finally:
            service.stop()
    request = next(one for one in spans if one.name.startswith("GET "))
    statements = [one for one in spans if one.trace_id == request.trace_id and one.parent_span_id == request.span_id]
    assert any("FROM products" in attribute.value.string_value for one in statements for attribute in one.attributes)


def test_without_the_extra_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "catalog_service.observability.telemetry", None)
    with pytest.raises(SettingsError, match=r"migrator\[telemetry\]"):
        create_app(Settings("postgresql://nobody@127.0.0.1:1/none", SECRET, telemetry=True))
