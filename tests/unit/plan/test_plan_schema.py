"""The JSON Schema that is shipped accepts what migrator accepts and helps an editor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from migrator.plan import kinds, load_all
from migrator.plan.schema import main, plan_schema

ROOT = Path(__file__).parents[3]
PLANS = ROOT / "plans"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(plan_schema())


def test_the_schema_is_a_schema() -> None:
    """Editors ignore one that is not."""
    Draft202012Validator.check_schema(plan_schema())


def test_the_shipped_schema_is_the_generated_one(tmp_path: Path) -> None:
    """After a change of the model: python -m migrator.plan.schema."""
    main([str(tmp_path / "schema.json")])
    assert (PLANS / "plan.schema.json").read_text() == (tmp_path / "schema.json").read_text()


def test_every_plan_of_the_repository_is_valid(validator: Draft202012Validator) -> None:
    """Both for the schema and for migrator."""
    for plan in load_all(PLANS):
        validator.validate(yaml.safe_load(plan.path.read_text()))


def test_the_example_is_valid(validator: Draft202012Validator, example: str) -> None:
    """It has every kind of step."""
    validator.validate(yaml.safe_load(example))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("summary:", "sumary:"),
        ("plan: order-state", "plan: Order State"),
        ("lock_timeout: 3s", "lock_timeout: 3"),
        ("chunk_rows: 5000", "chunk_rows: 50"),
        ("chunk_target: 250ms", "chunk_target: 250 ms"),
        ("replica_lag", "replica_lg"),
        ("  - verify:\n", "  - verifi:\n"),
        ('      set: {state: "status_name(status)"}\n', ""),
        ('set: {state: "status_name(status)"}', "set: {}"),
        ("gate: the", "gate: [the]\n    x: the"),
        ("migrate:\n", "migrate:\n  - dual_write: {table: t, forward: {a: b}}\n"),
    ],
)
def test_mistakes_are_shown_while_typing(
    validator: Draft202012Validator, example: str, before: str, after: str
) -> None:
    """The example is valid until it is changed."""
    assert before in example
    assert not validator.is_valid(yaml.safe_load(example.replace(before, after)))


def test_scalars_that_editors_take_for_numbers_are_valid(validator: Draft202012Validator) -> None:
    """`revision: 123456789012` is a text to migrator."""
    validator.validate(
        yaml.safe_load("plan: 2024\nexpand:\n  - revision: 123456789012\n  - revision: 1e10\nmigrate:\n")
    )


def test_every_key_has_a_description() -> None:
    """That is what an editor shows."""
    schema = json.loads(json.dumps(plan_schema()))
    for kind in kinds():
        step = schema["$defs"][kind]
        below = step["properties"][kind]
        properties = {**step["properties"], **below.get("properties", {})}
        assert all(content.get("description") for content in properties.values()), kind
    assert all(content["description"] for content in schema["properties"].values())
