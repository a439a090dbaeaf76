"""What `backfill --dry-run` finds out by trying a move on some rows, of which nothing is kept."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
import yaml

from migrator.engine.preview import preview
from migrator.engine.reports import StepPreview, TriedRow
from migrator.engine.run import ExpandFirstError
from tests.support.project import Project
from tests.support.sessions import blocker

ROWS = 5000
DIGEST = "SELECT md5(string_agg(items::text, '' ORDER BY id)) FROM items"


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    pad = "pad text DEFAULT repeat('x', 99)"
    connection.execute(f"CREATE TABLE items (id integer PRIMARY KEY, text text, n integer, {pad})")
    connection.execute(f"INSERT INTO items SELECT n, n::text, NULL FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


def tried(project: Project, *steps: dict[str, Any], sample: int = 500) -> list[StepPreview]:
    made = [{"backfill": {"table": "items", "irreversible": "a test", **step}} for step in steps]
    plan = project.plan("try", yaml.safe_dump({"migrate": made}))
    with project.target("backfill") as target:
        return list(preview(target, plan, sample).steps)


def test_every_kind_of_move_is_tried_in_several_places_and_taken_back(
    connection: psycopg.Connection, project: Project
) -> None:
    (project.folder / "plans" / "preview_moves.py").write_text("def add(rows): return [{'n': 2} for _ in rows]")
    connection.execute("CREATE TABLE copies (id integer PRIMARY KEY, n integer)")
    before = connection.execute(DIGEST).fetchone()
    steps = tried(
        project,
        {"set": {"n": "text::integer * 2"}, "where": "id % 2 = 0"},
        {"from": "copies", "join": "copies.id = items.id", "set": {"n": "copies.n"}},
        {"into": "copies", "set": {"id": "id", "n": "text::integer"}},
        {"delete": True, "where": "id % 10 > 0"},
        {"python": "preview_moves:add", "read": ["n"], "write": ["n"]},
        {"sql": "UPDATE items SET n = 3 WHERE id BETWEEN :first AND :last"},
    )
    filled, joined, copied, deleted, computed, stated = steps
    for step in steps:
        assert 400 <= step.rows_tried <= 500
        assert (step.places, step.rows_total, step.refused) == (10, ROWS, ())
    assert filled.rows_estimate == pytest.approx(ROWS / 2, rel=0.1)
    assert deleted.rows_estimate == pytest.approx(ROWS * 0.9, rel=0.1)
    assert copied.rows_written == copied.rows_tried
    assert joined.rows_written == 0
    assert filled.bytes_estimate == pytest.approx(ROWS / 2 * 140, rel=0.3)
    assert all(step.wal_estimate and step.seconds_estimate for step in (filled, copied, deleted, computed, stated))
    assert all(step.examples for step in (filled, copied, deleted, computed, stated))
    key = int(filled.examples[0].key)
    assert filled.examples[0] == TriedRow(str(key), {"n": None}, {"n": 2 * key})
    assert (copied.examples[0].before, deleted.examples[0].after) == (None, None)
    assert computed.examples[0].after == {"n": 2}
    assert connection.execute(DIGEST).fetchone() == before
    assert connection.execute("SELECT count(*) FROM copies").fetchone() == (0,)
    assert connection.execute("SELECT to_regclass('migrator.runs')").fetchone() == (None,)


def test_rows_that_are_refused_are_named_and_the_command_says_so(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("DELETE FROM items WHERE id > 60")
    connection.execute("UPDATE items SET text = 'none' WHERE id IN (7, 44)")
    connection.execute("ANALYZE items")
    (step,) = tried(project, {"set": {"n": "text::integer"}})
    assert [(row.key, row.error[:20]) for row in step.refused] == [(key, "invalid input syntax") for key in ("7", "44")]
    assert (step.rows_tried, step.rows_written, step.places) == (60, 58, 1)
    shown = project.run("backfill", "try", "--dry-run")
    assert shown.returncode == 1
    assert "refused   44: invalid input syntax" in shown.stdout
    assert "example   1: n: null -> 1" in shown.stdout
    document = json.loads(project.run("backfill", "try", "--dry-run", "--sample", "10", "--format", "json").stdout)
    assert document["version"] == 1
    assert 1 <= document["steps"][0]["rows_tried"] <= 10


def test_what_an_earlier_step_makes_is_asked_for(connection: psycopg.Connection, project: Project) -> None:
    project.sql_revision("a1", ["ALTER TABLE items ADD COLUMN made integer"], ["ALTER TABLE items DROP COLUMN made"])
    plan = project.plan("try", "expand: [{revision: a1}]\nmigrate: [{backfill: {table: items, set: {made: id}}}]")
    with project.target("backfill") as target, pytest.raises(ExpandFirstError, match="made"):
        preview(target, plan, 100)


def test_locked_rows_and_tables_without_a_key_are_no_obstacle(connection: psycopg.Connection, project: Project) -> None:
    with blocker(project.url, "SELECT FROM items WHERE id % 2000 = 3 FOR UPDATE"):
        (step,) = tried(project, {"set": {"n": "id"}}, sample=200)
    assert step.places + step.locked == 10
    connection.execute("ALTER TABLE items DROP CONSTRAINT items_pkey")
    connection.execute("CREATE TABLE empty (id integer PRIMARY KEY, n integer)")
    keyless, empty = tried(project, {"set": {"n": "id"}, "where": "n IS NULL"}, {"table": "empty", "set": {"n": "id"}})
    assert keyless.rows_written >= 100
    assert (empty.rows_tried, empty.rows_written) == (0, 0)
