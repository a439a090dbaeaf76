"""A column of a domain with a constraint comes back without the table being written anew, if that would take long."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.integration.archive.conftest import prepared
from tests.support.databases import Database

MORE = """
CREATE DOMAIN positive AS numeric(5, 2) DEFAULT 1 CHECK (VALUE > 0);
CREATE DOMAIN score AS positive NOT NULL CHECK (VALUE < 900);
ALTER TABLE t ADD COLUMN score score;
UPDATE t SET score = id;
"""
LARGE = (
    "ALTER TABLE t ADD COLUMN filler text; ALTER TABLE t ALTER COLUMN filler SET STORAGE PLAIN;"
    + "UPDATE t SET filler = repeat('x', 3500);" * 6
)
TYPE = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'score'"
BACK = ["ALTER TABLE t ADD COLUMN score numeric(5, 2)"], ["SELECT 1"]


@pytest.mark.parametrize("back", BACK)
def test_a_large_table_is_not_written_anew(database: Database, tmp_path: Path, back: list[str]) -> None:
    drop = ["ALTER TABLE t DROP COLUMN score"]
    project, plan = prepared(database, tmp_path, drop, back, "t.score", more=MORE + LARGE)
    connection = database.connect()
    assert project.apply(plan) == "complete"
    connection.execute("INSERT INTO t (id) VALUES (501)")
    before = connection.execute("SELECT pg_relation_filenode('t')").fetchone()
    project.events.clear()

    project.rollback(plan, to="migrate")

    assert connection.execute("SELECT pg_relation_filenode('t')").fetchone() == before
    assert connection.execute("SELECT count(*) FROM t WHERE score IS DISTINCT FROM least(id, 501)").fetchone() == (1,)
    assert connection.execute("SELECT score FROM t WHERE id = 501").fetchone() == (1,)
    assert connection.execute(TYPE).fetchone() == ("numeric(5,2)",)
    told = [event.text for event in project.events if event.name == "notice"]
    assert any("t.score is numeric(5,2) with the rules of score" in text for text in told), told
    for wrong in ("0", "900", "NULL"):
        with pytest.raises(psycopg.errors.IntegrityError):
            connection.execute(f"UPDATE t SET score = {wrong} WHERE id = 1")
    connection.execute("INSERT INTO t (id) VALUES (502)")
    assert project.apply(plan) == "complete"
    project.rollback(plan, to="migrate")
    assert connection.execute("SELECT score FROM t WHERE id = 502").fetchone() == (1,)


@pytest.mark.parametrize("back", BACK)
def test_a_small_table_has_its_domain_again(database: Database, tmp_path: Path, back: list[str]) -> None:
    project, plan = prepared(database, tmp_path, ["ALTER TABLE t DROP COLUMN score"], back, "t.score", more=MORE)
    connection = database.connect()
    assert project.apply(plan) == "complete"
    project.rollback(plan, to="migrate")
    assert connection.execute(TYPE).fetchone() == ("score",)
    assert connection.execute("SELECT count(*) FROM t WHERE score = id").fetchone() == (500,)
