"""The generated rows on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from catalog_schema.seed import NotEmptyError, Sizes, load, table_blocks
from catalog_schema.seed.tables import CATEGORIES
from catalog_schema.seed.values import AWKWARD
from tests.catalog.alembic_steps import BASELINE, schema, upgrade
from tests.support.databases import Database, Templates

PRODUCTS = 20_000


@pytest.fixture
def empty(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    return database_from(templates.get("catalog baseline", lambda database: upgrade(database.url, BASELINE)))


@pytest.fixture
def seeded(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    def build(database: Database) -> None:
        upgrade(database.url, BASELINE)
        with database.connect() as connection:
            load(connection, Sizes.of(PRODUCTS), seed=1)

    return database_from(templates.get("catalog seeded for its own tests", build))


def test_every_table_gets_its_rows_and_statistics(seeded: Database) -> None:
    connection = seeded.connect()
    sizes = Sizes.of(PRODUCTS)
    expected = {
        "categories": CATEGORIES,
        "products": sizes.products,
        "variants": sizes.variants,
        "prices": sizes.prices,
        "reviews": sizes.reviews,
    }
    for table, rows in expected.items():
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,)
        found = connection.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        assert found.fetchone() == (rows,)


def test_awkward_values_arrive_as_they_were(seeded: Database) -> None:
    names = Counter(name for (name,) in seeded.connect().execute("SELECT name FROM products"))
    assert set(AWKWARD) <= names.keys()


def test_copying_out_gives_the_bytes_that_went_in(seeded: Database) -> None:
    connection = seeded.connect()
    connection.execute("SET timezone = 'UTC'")
    columns = "id, sku, name, description, category_id, legacy_tags, price_cents, currency, status, weight_grams"
    with connection.cursor().copy(f"COPY (SELECT {columns} FROM products ORDER BY id) TO STDOUT") as copy:
        received = b"".join(bytes(block) for block in copy)
    (products,) = [data for data in table_blocks(Sizes.of(PRODUCTS), 1) if data.table == "products"]
    sent = b"".join(block.text for block in products.blocks)
    assert received == b"".join(b"\t".join(line.split(b"\t")[:10]) + b"\n" for line in sent.splitlines())


def test_the_schema_is_the_same_as_before(empty: Database) -> None:
    connection = empty.connect()
    before = schema(connection)
    load(connection, Sizes.of(100), seed=1)
    assert schema(connection) == before


def test_inserted_rows_are_numbered_after_the_generated_ones(seeded: Database) -> None:
    connection = seeded.connect()
    (last,) = connection.execute("SELECT max(id) FROM products").fetchone() or (0,)
    added = connection.execute("INSERT INTO products (sku, name, price_cents) VALUES ('x', 'x', 1) RETURNING id")
    assert added.fetchone() == (last + 1,)


def test_a_catalog_with_rows_is_left_alone(seeded: Database) -> None:
    connection = seeded.connect()
    with pytest.raises(NotEmptyError):
        load(connection, Sizes.of(100), seed=2)
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (PRODUCTS,)


def test_the_command_fills_the_database_it_is_given(empty: Database) -> None:
    command = [sys.executable, "-m", "catalog_schema.seed", "--products", "1000", "--seed", "5"]
    environment = {**os.environ, "DATABASE_URL": empty.url}
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (first.returncode, first.stdout) == (0, "")
    assert "products: 1,000 rows" in first.stderr
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 1
    assert again.stderr == "table categories is not empty: seed a fresh catalog\n"
