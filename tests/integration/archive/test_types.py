"""A type that contract drops with what has it comes back as it was, in the archived columns and tables too."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.engine import purge
from migrator.engine.archives.types import TypeInUseError
from migrator.engine.undoing import undoing
from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import PLAN, dump, prepared
from tests.support.databases import Database

MORE = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'so so' BEFORE 'ok';
COMMENT ON TYPE mood IS 'how it is';
GRANT USAGE ON TYPE mood TO pg_monitor;
CREATE SCHEMA shop;
CREATE DOMAIN shop.score AS numeric(5, 2) DEFAULT 1.5 NOT NULL CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE place AS (x integer, "Y" text);
ALTER TABLE t ADD COLUMN mood mood DEFAULT 'ok', ADD COLUMN moods mood[], ADD COLUMN score shop.score,
    ADD COLUMN place place;
CREATE INDEX by_mood ON t (mood);
"""
FILL = """UPDATE t SET mood = 'so so', moods = '{sad,"so so"}', score = id, place = (id, 'a,b') WHERE id % 3 = 0"""
COLUMNS = ("mood", "moods", "score", "place")
DROP = [
    f"ALTER TABLE t {', '.join(f'DROP COLUMN {column}' for column in COLUMNS)}",
    "DROP TYPE mood",
    "DROP DOMAIN shop.score",
    "DROP TYPE place",
]
BACK = [
    "CREATE TYPE mood AS ENUM ('happy', 'sad')",
    "CREATE DOMAIN shop.score AS numeric",
    "ALTER TABLE t ADD COLUMN mood mood, ADD COLUMN moods mood[], ADD COLUMN score shop.score",
]
READ = "SELECT id, mood::text, moods::text, score, place::text FROM t ORDER BY id"
TYPES = "mood, shop.score, place"


def test_types_come_back_with_their_columns(database: Database, tmp_path: Path, binaries: Binaries) -> None:
    archive = ", ".join([*(f"t.{column}" for column in COLUMNS), TYPES])
    project, plan = prepared(database, tmp_path, DROP, BACK, archive, more=MORE)
    connection = database.connect()
    connection.execute(FILL)
    before, content = dump(database, binaries), connection.execute(READ).fetchall()
    assert project.apply(plan) == "complete"
    assert connection.execute("SELECT to_regtype('mood')").fetchone() == (None,)
    with project.target() as target:
        stakes = [stake for step in undoing(target, plan, "start").steps for stake in step.stakes]
        assert "type mood comes back from its archive" in stakes
        assert {"type mood", "type shop.score", "t.mood"} < {one.what for one in purge.archives(target, None, 0)}
    connection.execute("INSERT INTO t (id) VALUES (501)")
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert connection.execute(READ).fetchall()[:-1] == content
    assert connection.execute("SELECT mood::text FROM t WHERE id = 501").fetchone() == ("ok",)
    assert connection.execute("SELECT unnest(enum_range(NULL::mood))::text").fetchall() == [
        ("sad",), ("so so",), ("ok",), ("happy",)
    ]  # fmt: skip
    assert project.apply(plan) == "complete"
    with project.target() as target:
        purge.purge(target, purge.archives(target, None, 0))
    left = "SELECT count(*) FROM pg_type WHERE typnamespace = 'migrator_archive'::regnamespace"
    assert connection.execute(left).fetchone() == (0,)


def test_types_come_back_with_their_table(database: Database, tmp_path: Path, binaries: Binaries) -> None:
    back = [*BACK[:2], "CREATE TABLE t (id bigint PRIMARY KEY, mood mood, score shop.score)"]
    project, plan = prepared(database, tmp_path, ["DROP TABLE t CASCADE", *DROP[1:]], back, f"t, {TYPES}", more=MORE)
    connection = database.connect()
    connection.execute(FILL)
    before, content = dump(database, binaries), connection.execute(READ).fetchall()
    assert project.apply(plan) == "complete"
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert connection.execute(READ).fetchall() == content


def test_a_type_that_something_still_has_is_not_dropped(database: Database, tmp_path: Path) -> None:
    drop = ["ALTER TABLE t DROP COLUMN mood", "DROP TYPE mood CASCADE"]
    project, plan = prepared(database, tmp_path, drop, ["SELECT 1"], "t.mood, mood", more=MORE)
    with pytest.raises(TypeInUseError, match="column moods of table t"):
        project.apply(plan)


def test_a_type_that_is_not_kept_is_told_with_what_would_keep_it(database: Database, tmp_path: Path) -> None:
    project, _ = prepared(database, tmp_path, DROP, BACK, "t.mood", more=MORE)
    text = PLAN.replace("    irreversible: it is archived\n", "")
    columns = ", ".join(f"t.{column}" for column in COLUMNS)
    project.plan("codes", text.format(archive=columns))
    told = project.run("plan", "codes").stdout
    assert "it loses type mood; archive: [mood] would keep it until migrator purge" in told
    assert "it loses domain shop.score; archive: [shop.score] would keep it until migrator purge" in told
    project.plan("codes", text.format(archive=f"{columns}, {TYPES}"))
    told = project.run("plan", "codes").stdout
    assert ("cannot be undone" in told, "mood, shop.score, place: it can be undone until migrator purge" in told) == (
        False,
        True,
    )
