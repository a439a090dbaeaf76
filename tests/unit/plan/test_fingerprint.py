"""A plan has the same fingerprint as long as it means the same."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from migrator.plan import differences, fingerprint, parse_plan, plan_document

COLUMNS = st.from_regex("[a-z][a-z_0-9]{0,8}", fullmatch=True)
EXPRESSIONS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30
).filter(str.strip)
MAPS = st.dictionaries(COLUMNS, EXPRESSIONS, min_size=1, max_size=3)
BACKFILLS = st.fixed_dictionaries(
    {"table": COLUMNS, "set": MAPS},
    optional={
        "where": EXPRESSIONS,
        "into": COLUMNS,
        "irreversible": EXPRESSIONS,
        "chunk_rows": st.integers(100, 200_000),
        "chunk_target": st.sampled_from(["100ms", "1s"]),
        "fixed": st.booleans(),
        "throttle": st.just({"replica_lag": "5s"}),
    },
).map(lambda content: {"backfill": content})
VERIFIES = st.fixed_dictionaries({"table": COLUMNS, "none": EXPRESSIONS}, optional={"where": EXPRESSIONS}).map(
    lambda content: {"verify": content}
)
GATES = EXPRESSIONS.map(lambda text: {"gate": text})
PLANS = st.fixed_dictionaries(
    {"plan": st.just("p"), "migrate": st.lists(BACKFILLS | VERIFIES | GATES, min_size=1, max_size=4)},
    optional={"summary": EXPRESSIONS, "requires": st.just(["a", "b"]), "lock_timeout": st.just("1s")},
)
TUNING = {"chunk_rows": 777, "chunk_target": "3s", "fixed": True, "throttle": {"replica_lag": "9s"}}


def document_of(text: str) -> dict[str, Any]:
    """Return what the ledger would give back for a plan text."""
    return json.loads(json.dumps(plan_document(parse_plan(text, Path("x.yaml")))))


class Dumper(yaml.SafeDumper):
    """Writes everything out where it is needed."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(content: dict[str, Any], **style: Any) -> str:
    """Write a plan as YAML on lines as long as needed."""
    return yaml.dump(content, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10_000, **style)


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


@given(PLANS, st.integers(0, 1000), st.sampled_from([True, False, None]), st.sampled_from([None, '"', "|"]))
def test_writing_a_plan_differently_keeps_its_fingerprint(
    content: dict[str, Any], seed: int, flow: bool | None, quotes: str | None
) -> None:
    """Layout, comments, quotes, order of keys and tuning mean nothing."""
    other = shuffled(deepcopy(content), random.Random(seed))
    other |= {"summary": "another", "lock_wait": "9m"}
    for step in other["migrate"]:
        if "backfill" in step:
            step["backfill"] |= TUNING
    style = {"default_style": quotes} if quotes and not any("backfill" in step for step in other["migrate"]) else {}
    text = "# a comment\n\n" + dump(other, default_flow_style=flow, **style)
    old, new = document_of(dump(content)), document_of(text)
    assert fingerprint(old) == fingerprint(new)
    assert differences(old, new) == []


@given(PLANS, st.data())
def test_changing_what_a_plan_does_changes_its_fingerprint(content: dict[str, Any], data: st.DataObject) -> None:
    """The change is named, too."""
    other = deepcopy(content)
    step = data.draw(st.sampled_from(other["migrate"]))
    (kind,) = step
    if kind == "gate":
        step["gate"] += " too"
    else:
        key = data.draw(st.sampled_from([key for key in step[kind] if key not in {*TUNING, "irreversible"}]))
        if key == "set":
            column = data.draw(st.sampled_from(list(step[kind]["set"])))
            step[kind]["set"][column] += " + 1"
        else:
            step[kind][key] += "_x" if key in {"table", "into"} else " + 1"
    old, new = document_of(dump(content)), document_of(dump(other))
    assert fingerprint(old) != fingerprint(new)
    assert differences(old, new)
    assert differences(new, old)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            'set: {state: "status_name(status)"}',
            "set: {state: upper(status)}",
            ["migrate, step 1: backfill orders.state: set.state was status_name(status), is upper(status)"],
        ),
        (
            "      where: state IS NULL\n",
            "",
            ["migrate, step 1: backfill orders.state: where was state IS NULL, is not there"],
        ),
        (
            "[orders.status]",
            "[orders]",
            ['contract, step 1: revision f6e5d4c3b2a1: archive was ["orders.status"], is ["orders"]'],
        ),
        ("requires: [first-steps]\n", "", ['requires was ["first-steps"], is []']),
        ("plan: order-state", "plan: other", ["plan was order-state, is other"]),
        (
            "expand:\n",
            "expand:\n  - gate: ready\n",
            ["expand, step 1: gate ready is new"],
        ),
        (
            "  - revision: a1b2c3d4e5f6\n",
            "",
            ["expand, step 1: revision a1b2c3d4e5f6 is no longer there"],
        ),
        (
            "revision: a1b2c3d4e5f6",
            "revision: b2",
            ["expand, step 1: revision b2: revision was a1b2c3d4e5f6, is b2"],
        ),
        (
            "  - revision: a1b2c3d4e5f6\n",
            "  - gate: ready\n",
            ["expand, step 1: revision a1b2c3d4e5f6 is no longer there", "expand, step 1: gate ready is new"],
        ),
    ],
)
def test_what_changed_is_named(example: str, before: str, after: str, lines: list[str]) -> None:
    """A person reads these lines before deciding whether to go on."""
    assert before in example
    assert differences(document_of(example), document_of(example.replace(before, after))) == lines


@pytest.mark.parametrize(
    ("before", "after"), [("table: orders", "table: '\"orders\"'"), ("table: orders", "table: Orders")]
)
def test_another_spelling_of_the_same_name_means_the_same(example: str, before: str, after: str) -> None:
    """PostgreSQL reads them alike."""
    assert fingerprint(document_of(example)) == fingerprint(document_of(example.replace(before, after)))


def test_a_name_in_quotes_that_differs_means_another_table(example: str) -> None:
    """Quotes keep capitals."""
    other = example.replace("table: orders", "table: '\"Orders\"'")
    assert fingerprint(document_of(example)) != fingerprint(document_of(other))


def test_a_document_of_another_form_is_not_compared(example: str) -> None:
    """A newer migrator may have written the ledger."""
    document = document_of(example)
    (line,) = differences({**document, "version": 99}, document)
    assert "99" in line


def test_the_fingerprint_stays_what_it_was(example: str) -> None:
    """Runs that are under way have it in their ledger: changing it needs a new version of the document."""
    assert fingerprint(document_of(example)) == "d97233e5efbd5a86e0c7dce81e15bfa7c99e3a0864f592e3f4ff6cdabad871e1"
