"""The gate on revisions of one project, safe and unsafe: upgrade and downgrade, run by migrator and by Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrator.check.options import Runner
from tests.support.revisions import Case, entries, is_open, label, reasons


def cases() -> Iterator[object]:
    """Yield each case as migrator runs it, and as Alembic does where that is judged otherwise."""
    for one in entries()[1:]:
        runners = (Runner.MIGRATOR, Runner.ALEMBIC) if one["migrator"] != one["alembic"] else (Runner.MIGRATOR,)
        yield from (pytest.param(one, runner, id=f"{one['name']}, {runner}") for runner in runners)


@pytest.mark.parametrize(("case", "runner"), list(cases()))
def test_a_revision_is_judged_as_it_is_labelled(case: Case, runner: Runner, tmp_path: Path) -> None:
    found = reasons(tmp_path, case, runner)

    assert bool(found) is (label(case, runner) is not is_open(case, runner)), found
