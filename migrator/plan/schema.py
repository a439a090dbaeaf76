"""Responsible for the JSON Schema of plan files, with which editors help to write them; not for judging a plan.

``python -m migrator.plan.schema [FILE]`` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from migrator.durations import format_duration
from migrator.plan.model import Plan
from migrator.plan.step import Part, Phase, Step
from migrator.plan.steps import kinds

SHIPPED = Path("plans/plan.schema.json")


class _Generator(GenerateJsonSchema):
    """Writes optional keys as plain keys: a plan leaves them out instead of setting them to null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if default is None or default == () or isinstance(default, Part):
            return inner
        return {**inner, "default": default if isinstance(default, int) else format_duration(default)}

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        return {**super().tuple_schema(schema), "type": ["array", "null"]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        return {**super().dict_schema(schema), "minProperties": 1}

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of plan files."""
    schema = Plan.model_json_schema(schema_generator=_Generator)
    definitions: dict[str, Any] = {}
    for kind in kinds().values():
        definitions |= _step_schemas(kind)
    for phase in Phase:
        allowed = [{"$ref": f"#/$defs/{kind.kind}"} for kind in kinds().values() if phase not in kind.misplaced]
        schema["properties"][phase]["items"] = {"anyOf": allowed}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "migrator plan",
        "anyOf": [{"required": [phase.value]} for phase in Phase],
        "$defs": definitions,
    }


def _step_schemas(kind: type[Step]) -> dict[str, Any]:
    content = kind.model_json_schema(schema_generator=_Generator)
    definitions: dict[str, Any] = content.pop("$defs", {})
    del content["title"]
    if kind.is_flat():
        return {**definitions, kind.kind: content}
    step = {
        "type": "object",
        "description": content["description"],
        "properties": {kind.kind: content},
        "required": [kind.kind],
        "additionalProperties": False,
    }
    return {**definitions, kind.kind: step}


def main(arguments: list[str]) -> None:
    """Write the schema to the file that is named, or to the one that the repository ships."""
    path = Path(arguments[0]) if arguments else SHIPPED
    path.write_text(json.dumps(plan_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
