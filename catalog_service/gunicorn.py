"""What gunicorn has to do for the service: `gunicorn --config python:catalog_service.gunicorn`."""

from __future__ import annotations

import os
import socket
from typing import Any

import gunicorn.util
from prometheus_client.multiprocess import mark_process_dead

from catalog_service.dto.problem import MEDIA_TYPE, Problem


def on_starting(_server: Any) -> None:
    """Let what never reaches the application, such as an address that is too long, be answered as the rest is."""
    gunicorn.util.write_error = _write_problem


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker that is gone said of itself; what it counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped in prometheus_client


def _write_problem(sock: socket.socket, status_int: int, reason: str, mesg: str) -> None:
    said = Problem(title=reason, status=status_int, detail=mesg or None)
    body = said.model_dump_json(exclude_none=True).encode()
    head = f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
    gunicorn.util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)
