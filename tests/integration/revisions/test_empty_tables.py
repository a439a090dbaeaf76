"""What a revision that is only recorded reads is what PostgreSQL answers where no table has a row."""

from __future__ import annotations

import pytest

from migrator.revisions.empty_tables import answer
from tests.support.databases import Database

SETUP = b"CREATE TABLE t (id int, n text, v float8)"
QUERIES = (
    "SELECT 1",
    "SELECT 'a' AS x, true, NULL, 1.5, 2 + 3, 5 - 7, 2 * 4",
    "SELECT 'a'::text",
    "SELECT 1 WHERE false",
    "SELECT id, n FROM t",
    "SELECT id AS x FROM t WHERE id = 1",
    "SELECT count(*) FROM t",
    "SELECT count(id), max(id), min(v), sum(v), avg(id) FROM t",
    "SELECT coalesce(max(id), 0) FROM t",
    "SELECT coalesce(max(id), min(id), 7) + 1 AS next FROM t",
    "SELECT max(id) + 1 FROM t",
    "SELECT count(*) * 2 FROM t WHERE id > 5",
    "SELECT max(id) FROM t GROUP BY n",
    "SELECT count(*) FROM t HAVING count(*) > 0",
    "SELECT count(*) OVER () FROM t",
    "SELECT array_agg(id), string_agg(n, ','), bool_or(id > 1) FROM t",
    "SELECT EXISTS (SELECT 1 FROM t)",
    "SELECT (SELECT max(id) FROM t)",
    "SELECT EXISTS (SELECT 1 FROM t WHERE id = 1), count(*) FROM t",
    "UPDATE t SET id = 1 RETURNING id, n",
    "DELETE FROM t RETURNING *",
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_recorded_query_gets_the_answer_of_a_server(query: str, database: Database) -> None:
    connection = database.connect()
    connection.execute(SETUP)
    rows = connection.execute(query.encode()).fetchall()

    told, found = answer(query)

    assert found == rows
    assert all(len(row) == len(told) for row in found)
