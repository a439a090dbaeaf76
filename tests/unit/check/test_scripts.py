from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.check.rule import Example, every_rule
from tests.unit.check.support import findings

SQL = [
    text
    for rule in every_rule().values()
    if rule.subject == "moment"
    for example in (*rule.bad, *rule.good)
    for text in (example.sql, example.setup)
    if text
]
RUNNERS = st.sampled_from(["psql", "alembic", "migrator"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(SQL), min_size=1, max_size=6), st.integers(10, 18), RUNNERS)
def test_any_statements_in_any_order_are_judged_alike_twice(texts: list[str], version: int, runner: str) -> None:
    example = Example(sql="\n".join(texts), pg_version=version, runner=runner)

    assert findings(example) == findings(example)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SQL), st.integers(10, 18))
def test_a_remark_before_a_script_changes_no_finding(text: str, version: int) -> None:
    plain, remarked = (findings(Example(sql=sql, pg_version=version)) for sql in (text, f"-- a remark\n{text}"))

    assert [(one.rule, one.statement) for one in plain] == [(one.rule, one.statement) for one in remarked]
