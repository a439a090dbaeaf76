"""Every kind of move does each row exactly once, killed at random moments and resumed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.databases import Database
from tests.support.project import Project
from tests.support.victim import Victim

pytestmark = pytest.mark.chaos

ROWS, KILLS = 3000, 3
TABLES = f"""
CREATE TABLE sources (id integer PRIMARY KEY, step integer);
INSERT INTO sources SELECT n, 1 FROM generate_series(0, 9) n;
CREATE TABLE items (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO items SELECT n FROM generate_series(1, {ROWS}) n;
CREATE TABLE counts (item_id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO counts SELECT n FROM generate_series(1, {ROWS}, 2) n;
CREATE TABLE log (item_id integer);
"""
COUNTED = "SELECT min(n), max(n), count(*) FROM items"
DELETED = """
    SELECT count(DISTINCT id), sum(live), sum(kept)
    FROM (SELECT id, 1 AS live, 0 AS kept FROM items
          UNION ALL SELECT id, 0, 1 FROM migrator_archive.step_1_rows) AS found
"""
# How each is told, and what shows that each row had its turn once. None of them could be repeated unseen.
MOVES: Mapping[str, tuple[dict[str, Any], str, tuple[int, ...]]] = {
    "from": (
        {"from": "sources", "join": "sources.id = items.id % 10", "set": {"n": "items.n + sources.step"}},
        COUNTED,
        (1, 1, ROWS),
    ),
    "into": (
        {
            "into": "counts",
            "set": {"item_id": "id", "n": "1"},
            "on_conflict": {"key": ["item_id"], "update": {"n": "counts.n + excluded.n"}},
        },
        "SELECT min(n), max(n), count(*) FROM counts",
        (1, 1, ROWS),
    ),
    "delete": (
        {"delete": True, "where": "id % 3 > 0", "archive": ["items"]},
        DELETED,
        (ROWS, ROWS // 3, ROWS - ROWS // 3),
    ),
    "python": ({"python": "counting:count", "read": ["n"], "write": ["n"]}, COUNTED, (1, 1, ROWS)),
    "sql": (
        {"sql": "INSERT INTO log SELECT id FROM items WHERE id BETWEEN :first AND :last"},
        "SELECT count(*), count(DISTINCT item_id) FROM log",
        (ROWS, ROWS),
    ),
}


@pytest.fixture
def tables(database: Database) -> Database:
    database.connect().execute(TABLES)
    return database


@pytest.mark.parametrize("kind", MOVES)
def test_each_row_has_its_turn_once_whenever_the_process_is_killed(kind: str, tables: Database, tmp_path: Path) -> None:
    move, query, expected = MOVES[kind]
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng, killed = random.Random(seed), 0
    project = Project(tmp_path, tables.url)
    (tmp_path / "counting.py").write_text("def count(rows): return [{'n': row['n'] + 1} for row in rows]")
    step = {"table": "items", "chunk_rows": 100, "fixed": True, "workers": 2, "irreversible": "a test", **move}
    plan = project.plan("count", yaml.safe_dump({"migrate": [{"backfill": {**step, "throttle": {"nice": "1"}}}]}))
    for _ in range(KILLS):
        victim = Victim(project, "backfill", "count")
        if victim.reaches(rng.randint(1, 8), "rows"):
            time.sleep(rng.uniform(0, 0.01))
            killed += victim.kill()
    assert killed
    assert project.backfill(plan) == "complete"
    assert tables.connect().execute(query).fetchone() == expected  # type: ignore[arg-type]  # of this file
