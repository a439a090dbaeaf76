"""Every shipped plan, killed at every moment, walks back to every phase and forward again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from catalog_schema.load.shapes import PLANS
from migrator.errors import MigratorError
from migrator.postgres.server.binaries import Binaries
from tests.catalog import plain_plans
from tests.catalog.walks import PHASES, Moment, back, forward, killed, state_of
from tests.support.databases import Database, Databases, Templates
from tests.support.servers import Source

TARGETS = ("migrate", "expand", "start")


@dataclass
class Walks:
    """One plan on as many copies of a database as are needed."""

    name: str
    copy: Callable[[], Database]
    drop: Callable[[Database], None]
    binaries: Binaries
    moments: list[Moment] = field(init=False)
    state: dict[str, dict[str, dict[str, Any]]] = field(init=False)

    def learn(self) -> None:
        """Run the plan undisturbed and look at the database after each phase."""
        database = self.copy()
        self.state = {"start": self._states(database)}
        for phase in PHASES[1:]:
            forward(database.url, self.name, phase)
            self.state[phase] = self._states(database)
        self.drop(database)
        database = self.copy()
        self.moments = forward(database.url, self.name)
        self.drop(database)

    def _states(self, database: Database) -> dict[str, dict[str, Any]]:
        """Return the state as it counts for each phase that one may come back to."""
        return {phase: state_of(database, self.binaries, self.name, phase) for phase in PHASES}

    def cell(self, moment: Moment, to: str, *, rollback_dies_at: int = 0) -> None:
        """Die at `moment`, go back to `to`, perhaps dying once on the way, and forward again."""
        database = self.copy()
        assert killed(forward, database.url, self.name, None, moment.number), moment
        if rollback_dies_at:
            killed(back, database.url, self.name, to, rollback_dies_at)
        back(database.url, self.name, to)
        if PHASES.index(moment.phase) > PHASES.index(to):
            self._compare(database, to, moment, "back at")
        forward(database.url, self.name)
        self._compare(database, "contract", moment, f"back to {to} and forward to")
        self.drop(database)

    def _compare(self, database: Database, phase: str, moment: Moment, words: str) -> None:
        found, meant = state_of(database, self.binaries, self.name, phase), self.state[phase][phase]
        if found != meant:
            keys = [key for key in {*found, *meant} if found.get(key) != meant.get(key)]
            lines = set(found["dump"]) ^ set(meant["dump"])
            pytest.fail(f"killed at {moment}, {words} {phase}: {keys} differ; {sorted(lines)}", pytrace=False)


@pytest.fixture
def walks(templates: Templates, databases: Databases, postgres_source: Source, request: pytest.FixtureRequest) -> Walks:
    if postgres_source.binaries is None:
        pytest.skip(f"needs pg_dump; the session uses {postgres_source.words}")
    name = request.param
    template = templates.get(f"catalog before {name}", lambda empty: plain_plans.build(empty, name))
    walks = Walks(name, lambda: databases.create(template), databases.drop, postgres_source.binaries)
    walks.learn()
    return walks


@pytest.mark.parametrize(
    "walks", ["product-tags", pytest.param("split-description", marks=pytest.mark.slow)], indirect=True
)
def test_a_run_killed_in_any_phase_walks_back_and_forward_again(walks: Walks) -> None:
    for place, phase in enumerate(sorted({moment.phase for moment in walks.moments}, key=PHASES.index)):
        inside = [moment for moment in walks.moments if moment.phase == phase]
        walks.cell(inside[len(inside) // 2], TARGETS[-1 if place % 2 else 0], rollback_dies_at=3 if place else 0)


@pytest.mark.parametrize("walks", ["product-tags"], indirect=True)
def test_a_revision_killed_behind_a_build_outside_transactions_is_undone(walks: Walks) -> None:
    built = next(one for one in walks.moments if (one.phase, one.words) == ("migrate", "statement revision"))
    walks.cell(built, "expand")


@pytest.mark.parametrize("walks", ["product-tags"], indirect=True)
@pytest.mark.parametrize("way", ["back", "forward"])
def test_a_rollback_killed_before_the_dual_writes_are_back_brings_them_back_whichever_way_it_goes_on(
    walks: Walks, way: str
) -> None:
    undisturbed, database = walks.copy(), walks.copy()
    for one in (undisturbed, database):
        forward(one.url, walks.name)
    moments = back(undisturbed.url, walks.name, "migrate")
    undone = next(moment.number for moment in moments if moment.words == "step-finished revision")
    assert killed(back, database.url, walks.name, "migrate", undone)
    if way == "back":
        back(database.url, walks.name, "migrate")
    else:
        forward(database.url, walks.name, "migrate")
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO products (sku, name, price_cents, legacy_tags) VALUES ('of old code', 'x', 1, 'a,b')"
        )
        found = connection.execute("SELECT tags FROM products WHERE sku = 'of old code'").fetchone()
    assert found == (["a", "b"],)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("walks", PLANS[1:], indirect=True)
def test_every_moment_of_every_plan_walks_back_to_every_phase(walks: Walks, tmp_path: Path) -> None:
    table, wrong = [], []
    for moment in walks.moments:
        for to in TARGETS:
            try:
                walks.cell(moment, to)
                verdict = "equal"
            except (AssertionError, MigratorError, psycopg.Error, pytest.fail.Exception) as error:
                verdict = f"WRONG: {type(error).__name__}: {error}"
                wrong.append((moment, to, verdict[:400]))
            table.append(f"| {moment.number} | {moment.phase} | {moment.words} | {to} | {verdict[:60]} |")
    for number in range(1, 60):  # a rollback of the whole plan that dies at each of its own moments
        database = walks.copy()
        forward(database.url, walks.name)
        died = killed(back, database.url, walks.name, "start", number)
        back(database.url, walks.name, "start")
        if state_of(database, walks.binaries, walks.name, "start") != walks.state["start"]["start"]:
            wrong.append((Moment(number, "rollback", "of the whole"), "start", "differs"))
        walks.drop(database)
        if not died:
            break
    (tmp_path / "matrix.md").write_text("\n".join(table))
    print("\n".join(table))
    assert wrong == []
