"""The shipped plans carried out plainly, by Alembic and single statements on a database at rest.

What migrator makes of a plan under traffic has to come to the same.
"""

from __future__ import annotations

from typing import Any

import psycopg
import yaml

from catalog_schema.load.shapes import PLANS
from catalog_schema.seed import Sizes, load
from tests.catalog.alembic_steps import BASELINE, ROOT, upgrade
from tests.support.databases import Database

Step = dict[str, Any]


def plan(name: str) -> dict[str, Any]:
    (found,) = [
        document
        for document in (yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "plans").glob("*.yaml"))
        if document["plan"] == name
    ]
    return dict(found)


def steps(name: str) -> list[Step]:
    document = plan(name)
    return [step for phase in ("expand", "migrate", "contract") for step in document.get(phase, [])]


def backfill(connection: psycopg.Connection, step: Step) -> None:
    table, values, where = step["table"], step["set"], step.get("where", "true")
    if "into" in step:
        connection.execute(
            f"INSERT INTO {step['into']} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {table} "
            f"WHERE {where} ON CONFLICT DO NOTHING"
        )
    else:
        assignments = ", ".join(f"{column} = {value}" for column, value in values.items())
        connection.execute(f"UPDATE {table} SET {assignments} WHERE {where}")


def left_to_fill(connection: psycopg.Connection, step: Step) -> Any:
    return connection.execute(f"SELECT count(*) FROM {step['table']} WHERE {step['where']}").fetchone()


def differing(connection: psycopg.Connection, step: Step) -> Any:
    return connection.execute(f"SELECT count(*) FROM {step['table']} WHERE {step['none']}").fetchone()


def run(database: Database, name: str) -> None:
    """Run a plan's steps plainly; every backfill must find work and leave none, every verify must agree."""
    with database.connect() as connection:
        for step in steps(name):
            match step:
                case {"revision": revision}:
                    upgrade(database.url, revision)
                case {"backfill": work}:
                    assert left_to_fill(connection, work) > (0,)
                    backfill(connection, work)
                    assert left_to_fill(connection, work) == (0,)
                case {"verify": check}:
                    assert differing(connection, check) == (0,), check


def build(database: Database, upto: str, products: int = 1_000) -> None:
    """Make a populated catalog on which the plan `upto` has yet to run."""
    upgrade(database.url, BASELINE)
    with database.connect() as connection:
        load(connection, Sizes.of(products), seed=1)
    for name in PLANS[1 : PLANS.index(upto)]:
        run(database, name)
