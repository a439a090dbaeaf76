"""Every plan's revisions and expressions on generated rows, with the application's statements before and after.

Here the steps are run one after the other, on a database at rest, so that what fails is the plan and not its runner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from catalog_schema.load.application import Application, Connection
from catalog_schema.load.shapes import PLANS, Form, shapes
from tests.catalog.alembic_steps import downgrade, schema, upgrade
from tests.catalog.plain_plans import backfill, build, differing, plan, run
from tests.support.databases import Database, Templates


async def _use(url: str, name: str, form: Form, requests: int) -> list[Any]:
    application = Application(seed=1)
    (shape,) = shapes(name, form)
    async with await Connection.connect(url, autocommit=True) as connection:
        await application.begin(connection)
        for _ in range(requests):
            await application.next_request()(connection, shape)
        assert application.writes > requests // 10
        return await application.lost(connection, shape)


def use(database: Database, name: str, form: Form) -> None:
    """Send what the application before or after the plan sends, and look for what it wrote."""
    assert asyncio.run(_use(database.url, name, form, 200)) == []


@pytest.fixture
def before(templates: Templates, database_from: Callable[[str], Database]) -> Callable[[str], Database]:
    """Return a function that gives a populated database on which the plan of this name has yet to run."""

    def database(name: str) -> Database:
        return database_from(templates.get(f"catalog before {name}", lambda empty: build(empty, name)))

    return database


@pytest.mark.parametrize("name", PLANS[1:])
def test_old_code_works_before_the_plan_and_new_code_after_it(before: Callable[[str], Database], name: str) -> None:
    database = before(name)
    use(database, name, "old")
    run(database, name)
    use(database, name, "new")


@pytest.mark.parametrize("name", ["product-tags", "rename-column", "price-numeric", "split-description"])
def test_the_verify_of_a_plan_notices_a_single_wrong_row(before: Callable[[str], Database], name: str) -> None:
    database = before(name)
    connection = database.connect()
    wrong = {
        "product-tags": "UPDATE products SET tags = '{wrong}' WHERE legacy_tags IS NULL AND id < 100",
        "rename-column": "UPDATE products SET title = 'wrong' WHERE id = 5",
        "price-numeric": "UPDATE products SET price = 0.01 WHERE id = 5",
        "split-description": "DELETE FROM product_descriptions WHERE product_id = 5",
    }[name]
    for step in [*plan(name)["expand"], *plan(name)["migrate"]]:
        match step:
            case {"revision": revision}:
                upgrade(database.url, revision)
            case {"backfill": work}:
                backfill(connection, work)
            case {"verify": check}:
                assert differing(connection, check) == (0,)
                connection.execute(wrong)
                assert differing(connection, check) > (0,)


@pytest.mark.parametrize("tags", [["a,b"], ["a", None], [""], [["a"], ["b"]]])
def test_tags_that_comma_text_cannot_hold_are_refused(database: Database, tags: list[Any]) -> None:
    upgrade(database.url, "4c1f0a9be2d7")
    insert = "INSERT INTO products (sku, name, price_cents, tags) VALUES ('x', 'x', 1, %s)"
    with pytest.raises(psycopg.errors.CheckViolation, match="ck_products_tags_fit_comma_text"):
        database.connect().execute(insert, [tags])


@pytest.mark.parametrize("text", [None, "", ",", "a", "a,,b", ",a", "a,", " a , b ", r"{\"},'"])
def test_every_comma_text_comes_back_from_tags_as_it_was(database: Database, text: str | None) -> None:
    tags = plan("product-tags")["expand"][1]["dual_write"]
    there, back = tags["forward"]["tags"], tags["backward"]["legacy_tags"]
    upgrade(database.url, "4c1f0a9be2d7")
    connection = database.connect()
    connection.execute("INSERT INTO products (sku, name, price_cents, legacy_tags) VALUES ('x', 'x', 1, %s)", [text])
    connection.execute(f"UPDATE products SET tags = {there}")
    assert connection.execute(f"SELECT {back} FROM products").fetchone() == (text,)


@pytest.mark.parametrize("cents", [0, 1, 99, 100, 101, 1999, 2_147_483_646, 2_147_483_647])
def test_every_number_of_cents_comes_back_from_the_price(database: Database, cents: int) -> None:
    prices = plan("price-numeric")["expand"][1]["dual_write"]
    there, back = prices["forward"]["price"], prices["backward"]["price_cents"]
    new = f"SELECT ({there})::numeric(12, 2) AS price FROM (VALUES (%s)) AS old (price_cents)"
    found = database.connect().execute(f"SELECT {back} FROM ({new}) AS new", [cents])
    assert found.fetchone() == (cents,)


@pytest.mark.parametrize("name", PLANS[1:])
def test_contract_can_be_undone_while_new_code_goes_on_inserting(before: Callable[[str], Database], name: str) -> None:
    """What the last revision of contract took away comes back without demanding anything of the rows that are there."""
    database = before(name)
    run(database, name)
    connection = database.connect()
    contracted = schema(connection)
    downgrade(database.url, "-1")
    assert schema(connection) != contracted
    use(database, name, "new")
