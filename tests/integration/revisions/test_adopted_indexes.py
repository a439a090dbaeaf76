"""Which index of a partition becomes a part of the parent's: what is said, by the catalog and by the text, is so."""

from __future__ import annotations

import psycopg
import pytest

from migrator.check.schema.schema import Schema
from migrator.check.script import learn
from migrator.revisions.facts import CatalogFacts, Made
from migrator.sql.classify import classify
from migrator.sql.context import Context
from migrator.sql.statement import parse, parse_one
from tests.support.databases import Database

TABLES = "CREATE TABLE p (a text, b int) PARTITION BY LIST (b); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)"
PARENT = "CREATE INDEX whole ON p (a)"


@pytest.mark.parametrize(
    ("own", "adopted"),
    [
        ("(a)", True),
        ("(a ASC NULLS LAST)", True),
        ("(a DESC)", True),
        ("(a NULLS FIRST)", True),
        ('(a COLLATE "C")', False),
        ("(a text_pattern_ops)", False),
        ("USING hash (a)", False),
        ("(a) WHERE b > 0", False),
        ("(lower(a))", False),
        ("(a, b)", False),
    ],
)
def test_an_index_is_adopted_where_it_is_said_to_be(database: Database, own: str, adopted: bool) -> None:
    made = f"CREATE INDEX own ON p1 {own}"
    with database.connect() as connection:
        connection.execute(TABLES.encode())
        connection.execute(made.encode())
        schema = Schema()
        learn(schema, parse(f"{TABLES}; {made}"))

        assert builds(CatalogFacts(connection, Made())) is not adopted
        assert builds(schema.settled()) is not adopted
        connection.execute(PARENT)
        assert count_of_indexes(connection) == (1 if adopted else 2)


def builds(context: Context) -> bool:
    return any(work.rule == "create-index-blocking" for work in classify(parse_one(PARENT), context).work)


def count_of_indexes(connection: psycopg.Connection) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'p1'::regclass").fetchall()
    return int(count)
