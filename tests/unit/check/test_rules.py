from __future__ import annotations

import re

import pytest

from migrator.check.finding import Severity
from migrator.check.rule import HEADINGS, Example, Rule, every_rule, sections
from tests.unit.check.support import findings

MOMENTS = [rule for rule in every_rule().values() if rule.subject == "moment"]
BAD = [pytest.param(rule, one, id=f"{rule.name}-{i}") for rule in MOMENTS for i, one in enumerate(rule.bad)]
GOOD = [pytest.param(rule, one, id=f"{rule.name}-{i}") for rule in MOMENTS for i, one in enumerate(rule.good)]


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_bad_example_is_reported_with_the_statement_and_a_reason(rule: Rule, example: Example) -> None:
    found = [one for one in findings(example, (rule,)) if one.severity is not Severity.INFO]

    assert found
    assert all(one.rule == rule.name and one.message and one.statement for one in found)
    assert all(one.safer for one in found if one.severity is Severity.ERROR)


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_a_good_example_is_not_reported(rule: Rule, example: Example) -> None:
    assert [one for one in findings(example, (rule,)) if one.severity is not Severity.INFO] == []


@pytest.mark.parametrize("rule", every_rule().values(), ids=every_rule().keys())
def test_every_rule_has_three_bad_and_three_good_examples_and_its_whole_story(rule: Rule) -> None:
    parts = sections(rule.story)

    assert len(rule.bad) >= 3
    assert len(rule.good) >= 3
    assert set(parts) == {"", *HEADINGS}
    assert all(parts.values())
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)


OTHERS = [rule for rule in every_rule().values() if rule.subject != "moment"]


@pytest.mark.parametrize(
    ("rule", "case", "reported"),
    [
        pytest.param(rule, case, wanted, id=f"{rule.name}-{wanted}-{number}")
        for rule in OTHERS
        for wanted, cases in ((True, rule.bad), (False, rule.good))
        for number, case in enumerate(cases)
    ],
)
def test_an_example_of_a_rule_about_files_or_histories_is_judged_as_its_rule_says(
    rule: Rule, case: object, reported: bool
) -> None:
    found = list(rule.find(case))

    assert bool(found) is reported
    assert all(one.safer for one in found if (one.severity or rule.severity) is Severity.ERROR)
