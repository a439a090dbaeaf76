"""Every shipped plan, killed at every moment of every phase and walked back, while application code writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from catalog_schema.load import Load
from catalog_schema.load.shapes import PLANS, Form
from migrator.plan import find_plan, load_plan
from migrator.plan.steps.gate import Gate
from migrator.settings import load_settings
from tests.catalog import plain_plans
from tests.catalog.alembic_steps import ROOT
from tests.catalog.walks import PHASES, back, forward, killed
from tests.support.databases import Database, Templates

PRODUCTS = 3_000
MOST = 60  # events of one phase


@pytest.fixture
def before(templates: Templates, database_from: Callable[[str], Database]) -> Callable[[str], Database]:
    def database(name: str) -> Database:
        build = lambda empty: plain_plans.build(empty, name, PRODUCTS)  # noqa: E731
        return database_from(templates.get(f"middling catalog before {name}", build))

    return database


def forms_of(name: str) -> dict[str, Form]:
    """Return which application runs while each phase is walked to and fro."""
    settings = load_settings({}, environ={}, cwd=ROOT)
    plan = load_plan(find_plan(name, settings.plans))
    # Where a plan begins with its gate, no triggers could keep right what the application before it writes.
    side_by_side = not isinstance(plan.migrate[0], Gate)
    return {"expand": "old", "migrate": "mixed" if side_by_side else "new", "contract": "new"}


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("name", PLANS[1:])
def test_no_statement_fails_and_no_write_is_lost_whenever_a_run_dies_and_walks_back(
    before: Callable[[str], Database], name: str
) -> None:
    url, cells = before(name).url, 0
    with Load(url, name, "old") as load:
        for phase, form in forms_of(name).items():
            load.switch(form)
            kept = PHASES[PHASES.index(phase) - 1]
            for number in range(1, MOST):
                load.mark(f"{phase}, killed at event {number}")
                died = killed(forward, url, name, phase, number)
                killed(back, url, name, kept, 2 + number % 5)  # the way back dies, too, every time at another event
                back(url, name, kept)
                cells += 1
                if not died:
                    break
            load.mark(f"{phase}, to its end")
            forward(url, name, phase)
        results = load.stop()
    print(
        f"{name}: {cells} cells, {results.requests:,} requests, {results.writes:,} writes, p99 of the worst bucket "
        f"{max(bucket.p99 for bucket in results.buckets.values()):.0f} ms, slowest {results.slowest:.0f} ms"
    )
    assert results.failures == []
    assert (results.lost, results.verified) == (0, True), results.examples
