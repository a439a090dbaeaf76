"""Operations: a view with its models, checked on the way in and on the way out, and written down for OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_type_hints

from flask import Blueprint, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from catalog_service.dto.base import BIGGEST_ID
from catalog_service.services.errors import NotFoundError
from catalog_service.web import asked

View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What OpenAPI says about one view."""

    path: str
    method: str
    name: str
    summary: str
    tag: str
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    returns: type[BaseModel] | None
    status: int
    problems: tuple[int, ...]


class Api(Blueprint):
    """A blueprint below `/v1` whose views take models: `query`, `body` and the numbers of the path."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name, url_prefix="/v1")
        self.operations: list[Operation] = []

    def operation(
        self, method: str, path: str, *, status: int = 200, problems: tuple[int, ...] = ()
    ) -> Callable[[View], View]:
        """Make a view an operation; its docstring is the summary.

        Args:
            method: in capitals.
            path: below `/v1`; `{x_id}` is the number of an x.
            status: of the answer when all went well.
            problems: statuses of problem documents besides those that any operation may answer with.
        """

        def decorate(view: View) -> View:
            hints = get_type_hints(view)
            query, body, returns = hints.get("query"), hints.get("body"), hints["return"]
            returns = None if returns is type(None) else returns
            summary = (view.__doc__ or "").strip().splitlines()[0].rstrip(".")
            self.operations.append(
                Operation(
                    f"/v1{path}", method, view.__name__, summary, self.name, query, body, returns, status, problems
                )
            )
            rule = path.replace("{", "<int:").replace("}", ">")
            self.add_url_rule(rule, view.__name__, _bound(view, query, body, status), methods=[method])
            return view

        return decorate


def _bound(view: View, query: type[BaseModel] | None, body: type[BaseModel] | None, status: int) -> View:
    @wraps(view)
    def bound(**arguments: Any) -> Response:
        if any(number > BIGGEST_ID for number in arguments.values()):
            raise NotFoundError  # the database could not even be asked
        if query is not None:
            given = {name: values[0] if len(values) == 1 else values for name, values in request.args.lists()}
            arguments["query"] = asked.of_query(query, given)
        if body is not None:
            arguments["body"] = _read_body(body)
        answer: BaseModel | None = view(**arguments)
        if answer is None:
            return Response(status=status)
        return Response(answer.model_dump_json(), status=status, mimetype="application/json")

    return bound


def _read_body(model: type[BaseModel]) -> BaseModel:
    if not request.is_json:
        raise UnsupportedMediaType("send application/json")
    data = request.get_data()
    if request.content_length is None and len(data) == request.max_content_length:
        raise RequestEntityTooLarge  # sent in chunks, and cut off there
    return asked.of_body(model, data)
