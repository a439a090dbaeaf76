"""The OpenAPI 3.1 document, written from the operations as they are; nothing in it is kept by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from catalog_service.dto.base import BIGGEST_ID
from catalog_service.dto.problem import MEDIA_TYPE, Problem
from catalog_service.web.api import Operation

_REFERENCE = "#/components/schemas/{model}"
_ANYWHERE = (400, 414, 431, 500, 503)
_WITH_BODY = (413, 415, 422)

Json = dict[str, Any]
Schemas = Mapping[Any, Json]


def document(operations: Iterable[Operation], version: str) -> Json:
    """Return the document."""
    operations = list(operations)
    schemas, components = models_json_schema(sorted(_models(operations), key=str), ref_template=_REFERENCE)
    paths: Json = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Catalog", "version": version, "summary": "Products, their categories and their reviews."},
        "paths": paths,
        "components": {"schemas": components["$defs"]},
    }


def _models(operations: Iterable[Operation]) -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    found: set[tuple[type[BaseModel], JsonSchemaMode]] = {(Problem, "serialization")}
    for one in operations:
        found |= {(one.body, "validation")} if one.body else set()
        found |= {(one.returns, "serialization")} if one.returns else set()
    return found


def _operation(one: Operation, schemas: Schemas) -> Json:
    described: Json = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "parameters": [*_path_parameters(one.path), *_query_parameters(one.query)],
        "responses": _responses(one, schemas),
    }
    if one.body is not None:
        schema = schemas[one.body, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _path_parameters(path: str) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", path):
        schema = {"type": "integer", "minimum": 1, "maximum": BIGGEST_ID}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(model: type[BaseModel] | None) -> Iterator[Json]:
    if model is None:
        return
    described = model.model_json_schema()
    for name, schema in described["properties"].items():
        # A parameter that may be left out is never null: there is no null in a query.
        kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
        plain = kinds[0] if kinds else {key: value for key, value in schema.items() if key != "title"}
        required = name in described.get("required", [])
        yield {"name": name, "in": "query", "required": required, "schema": plain}


def _responses(one: Operation, schemas: Schemas) -> Json:
    good: Json = {"description": HTTPStatus(one.status).phrase}
    if one.returns is not None:
        good["content"] = {"application/json": {"schema": schemas[one.returns, "serialization"]}}
    problem = {"content": {MEDIA_TYPE: {"schema": schemas[Problem, "serialization"]}}}
    statuses = {*one.problems, *_ANYWHERE}
    statuses |= set(_WITH_BODY) if one.body else set()
    statuses |= {422} if one.query else set()
    bad = {str(status): {"description": HTTPStatus(status).phrase, **problem} for status in sorted(statuses)}
    return {str(one.status): good, **bad}
