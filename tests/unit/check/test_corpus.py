"""The gate on every case of the corpus; whether the cases are labelled rightly is asked of real servers elsewhere."""

from __future__ import annotations

import pytest

from tests.support.corpus import Case, cases

CASES = [pytest.param(one, id=one.name) for one in cases()]


@pytest.mark.parametrize("case", CASES)
def test_what_is_unsafe_is_reported_and_what_is_safe_is_not(case: Case) -> None:
    for version in {case.since, case.until}:
        assert bool(case.verdict(version)) is (bool(case.why) is not case.open), case.sql
