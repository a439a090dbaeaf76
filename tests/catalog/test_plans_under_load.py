"""Every shipped plan from start to end and back, while the application it is made for reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from catalog_schema.load import Load
from catalog_schema.load.shapes import PLANS
from migrator.engine import run
from migrator.engine.approvals import approve
from migrator.engine.events import Event
from migrator.engine.stop import Stop
from migrator.engine.target import Target, open_target
from migrator.engine.verify import verify
from migrator.plan import Phase, Plan, find_plan, load_plan
from migrator.plan.steps.gate import Gate
from migrator.settings import load_settings
from tests.catalog import plain_plans
from tests.catalog.alembic_steps import ROOT, schema
from tests.catalog.interference import Interference
from tests.support.databases import Database, Templates
from tests.support.polling import wait_until

PRODUCTS = 20_000
OURS = """
    SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT pronamespace::regnamespace::text, proname FROM pg_proc WHERE proname LIKE '%migrator%'
    UNION ALL
    SELECT relnamespace::regnamespace::text, relname FROM pg_class
    WHERE relname LIKE '%migrator%' AND relnamespace = 'public'::regnamespace
"""


class Project:
    """The shipped plan called `name` and what a release pipeline does with it, on one database."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.settings = load_settings({"database_url": database.url}, environ={}, cwd=ROOT)
        self.plan = load_plan(find_plan(name, self.settings.plans))

    def _do(self, work: Callable[[Target, Plan, Callable[[Event], None], Stop], Any]) -> Any:
        with open_target(self.settings, command="apply") as target:
            return work(target, self.plan, lambda _event: None, Stop())

    def apply(self, to: Phase | None = None) -> str:
        return str(self._do(lambda *given: run.apply(given[0], given[1], to=to, emit=given[2], stop=given[3])))

    def rollback(self, to: str) -> str:
        return str(self._do(lambda *given: run.rollback(given[0], given[1], to=to, emit=given[2], stop=given[3])))

    def approve(self) -> None:
        self._do(lambda target, plan, *_: approve(target, plan, by="tests", note=""))

    def differing(self) -> int:
        reports = self._do(lambda *given: verify(given[0], given[1], emit=given[2], stop=given[3]))
        return sum(report.differing for report in reports)


def keep_originals(database: Database) -> None:
    """Set copies of the products aside before a load changes them."""
    with database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA originals; CREATE TABLE originals.products AS"
            f" SELECT * FROM products WHERE id < {PRODUCTS // 2} AND sku NOT LIKE 'LOAD-%'"
        )


def bear_witness(database: Database) -> None:
    """Add the originals as rows that the load, which has begun, will not touch."""
    with database.connect() as connection:
        columns = [
            name
            for (name,) in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'products'::regclass AND attnum > 0"
                " AND NOT attisdropped AND attname NOT IN ('id', 'sku')"
            )
        ]
        connection.execute(
            f"INSERT INTO products (sku, {', '.join(columns)}) SELECT 'WITNESS-' || id, {', '.join(columns)}"
            " FROM originals.products"
        )
        connection.execute("DROP SCHEMA originals CASCADE")


def witnessed(database: Database) -> dict[str, Any]:
    """Return what the witnesses hold, by their names, whatever the columns are and in whichever order."""
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT sku, to_jsonb(p) - 'id' FROM products AS p WHERE sku LIKE 'WITNESS-%' ORDER BY sku"
        )
        found = dict(rows.fetchall())
        if connection.execute("SELECT to_regclass('product_descriptions')").fetchone() != (None,):
            bodies = "SELECT sku, body FROM products LEFT JOIN product_descriptions ON product_id = products.id"
            for sku, body in connection.execute(f"{bodies} WHERE sku LIKE 'WITNESS-%'"):
                found[sku]["its body"] = body
    return found


def wait_for_requests(database: Database) -> None:
    """Let the application work for a while: until it has added a product."""
    with database.connect() as connection:
        added = "SELECT count(*) FROM products WHERE sku LIKE 'LOAD-%'"

        def number() -> int:
            row = connection.execute(added).fetchone()
            assert row
            return int(row[0])

        before = number()
        wait_until(lambda: number() != before, timeout=30, message="a product added by the load")


@pytest.fixture
def before(templates: Templates, database_from: Callable[[str], Database]) -> Callable[[str], Database]:
    """Return a function that gives a populated database on which the plan of this name has yet to run."""

    def database(name: str) -> Database:
        build = lambda empty: plain_plans.build(empty, name, PRODUCTS)  # noqa: E731
        return database_from(templates.get(f"large catalog before {name}", build))

    return database


@pytest.mark.parametrize("name", PLANS[1:])
def test_a_plan_runs_there_and_back_and_there_again_without_the_application_noticing(
    before: Callable[[str], Database], name: str
) -> None:
    database, plain = before(name), before(name)
    keep_originals(plain)
    bear_witness(plain)
    keep_originals(database)
    started_from, old_rows = schema(plain.connect()), witnessed(plain)
    plain_plans.run(plain, name)
    leads_to, new_rows = schema(plain.connect()), witnessed(plain)
    project = Project(database, name)
    # Where a plan begins with its gate, no triggers could keep right what the application before it writes.
    side_by_side = not isinstance(project.plan.migrate[0], Gate)
    catalog = database.connect()

    with Load(database.url, name, "old") as load, Interference(database.url) as interference:
        bear_witness(database)
        for attempt in ("first", "second"):
            assert project.apply(Phase.EXPAND) == "in progress"
            load.switch("mixed" if side_by_side else "old")
            load.mark(f"{attempt} migrate")
            assert project.apply() == "waiting"
            assert not side_by_side or project.differing() == 0
            load.switch("new")
            project.approve()
            load.mark(f"{attempt} contract")
            assert project.apply() == "complete"
            assert schema(catalog) == leads_to
            assert catalog.execute(OURS).fetchall() == []
            assert witnessed(database) == new_rows
            if attempt == "second":
                break
            load.mark("back to migrate")
            project.rollback("migrate")
            assert project.differing() == 0
            load.switch("mixed" if side_by_side else "old")
            wait_for_requests(database)
            assert not side_by_side or project.differing() == 0
            load.switch("old")
            load.mark("back to start")
            assert project.rollback("start") == "rolled back"
            assert schema(catalog) == started_from
            assert catalog.execute(OURS).fetchall() == []
            assert witnessed(database) == old_rows
        results = load.stop()

    assert results.failures == []
    assert (results.lost, results.verified) == (0, True), results.examples
    lock_timeout = (project.plan.lock_timeout or project.settings.lock_timeout).total_seconds()
    assert interference.longest_wait <= (lock_timeout + 0.1, "")
    assert interference.longest_transaction <= (2.0, "")
