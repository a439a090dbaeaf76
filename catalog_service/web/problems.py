"""Errors into problem documents (RFC 9457), on pages for people into pages; no traceback and no SQL gets out."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from catalog_service.dto.problem import MEDIA_TYPE, Fault, Problem
from catalog_service.observability.activity import current
from catalog_service.observability.logging import logger
from catalog_service.services.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from catalog_service.web.asked import InvalidRequestError


def handle_errors(app: Flask) -> None:
    """Make the application answer every error with a problem document."""
    app.register_error_handler(InvalidRequestError, _invalid_request)
    app.register_error_handler(
        InvalidError, lambda error: problem(422, None, [Fault(pointer=error.pointer, detail=error.detail)])
    )
    app.register_error_handler(NotFoundError, lambda _: problem(404, "there is nothing of that number"))
    app.register_error_handler(ConflictError, lambda error: problem(409, str(error)))
    app.register_error_handler(UnavailableError, _unavailable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SQLAlchemyError, _unexpected)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, detail: str | None, errors: Iterable[Fault] | None = None) -> Response:
    """Return a problem document as an answer."""
    activity = current()
    said = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=activity and activity.request_id,
        errors=None if errors is None else tuple(errors),
    )
    if request.blueprint == "pages":
        return Response(render_template("problem.html", problem=said), status, mimetype="text/html")
    return Response(said.model_dump_json(exclude_none=True), status, mimetype=MEDIA_TYPE)


def _invalid_request(error: InvalidRequestError) -> Response:
    found = error.error.errors(include_url=False, include_context=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in found):
        return problem(400, "the body is not JSON")
    return problem(422, None, [Fault(pointer=_pointer(one["loc"]), detail=one["msg"]) for one in found])


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return Response(error.get_response().get_data(), error.code, dict(error.get_response().headers))
    answer = problem(error.code, error.description)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    return answer


def _unavailable(error: UnavailableError) -> Response:
    logger().error("unavailable", reason=str(error), exc_info=error)
    answer = problem(503, str(error))
    answer.headers["Retry-After"] = "1"
    return answer


def _unexpected(error: Exception) -> Response:
    logger().error("unexpected error", exc_info=error)
    return problem(500, "this is a fault of the service; its log has more under the request id")


def _pointer(location: tuple[Any, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
