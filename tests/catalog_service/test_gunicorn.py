"""What gunicorn answers by itself, to requests that never reach the application, is a problem document too."""

from __future__ import annotations

import socket
from http.client import HTTPResponse

import pytest

from catalog_service.dto.problem import MEDIA_TYPE, Problem
from tools.servers import LOCAL


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (f"GET /v1/search?tag={'x' * 5_000} HTTP/1.1", 414),
        (f"GET /v1/products HTTP/1.1\r\nX-Much: {'x' * 10_000}", 431),
        ("GET /v1/products HTTP/1.1\r\nno colon", 400),
        ("what is this", 400),
    ],
)
def test_a_request_that_no_application_sees_is_refused_as_others_are(
    served: int, request_line: str, status: int
) -> None:
    with socket.create_connection((LOCAL, served), 10) as connection:
        connection.sendall(f"{request_line}\r\nHost: {LOCAL}\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (status, MEDIA_TYPE)
    assert Problem.model_validate_json(body).status == status
