"""Undoing contract brings back all that went with a column or a table: pg_dump says the same as before contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.engine import doctor, purge, status
from migrator.engine.archives.tables import NotEmptyError
from migrator.engine.events import Notice
from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import dump, prepared, rows
from tests.support.databases import Database


def test_a_column_comes_back_with_all_that_hung_on_it(database: Database, tmp_path: Path, binaries: Binaries) -> None:
    project, plan = prepared(
        database,
        tmp_path,
        ["ALTER TABLE t DROP COLUMN code CASCADE, DROP COLUMN number"],
        ["ALTER TABLE t ADD COLUMN code text, ADD COLUMN number integer"],
        "t.code, t.number",
    )
    connection = database.connect()
    before, content = dump(database, binaries), rows(connection)
    assert project.apply(plan) == "complete"
    assert connection.execute("SELECT to_regclass('shown'), to_regclass('by_code')").fetchone() == (None, None)
    connection.execute("INSERT INTO t (id, note) VALUES (501, 'since')")
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert rows(connection) == [*content, (501, "a", 501, "since")]
    assert connection.execute("SELECT sum(many) FROM counted").fetchone() == (501,)
    told = [event.text for event in project.events if isinstance(event, Notice)]
    assert "t.code: 1 row without a value before contract, with one now: 501" in told


def test_a_table_comes_back_with_its_rows_and_all_that_hung_on_it(
    database: Database, tmp_path: Path, binaries: Binaries
) -> None:
    create = "CREATE TABLE t (id bigint PRIMARY KEY, code text)"
    project, plan = prepared(
        database,
        tmp_path,
        ['DROP INDEX "By Note"', "DROP TABLE t CASCADE"],
        [create, "CREATE INDEX x ON t (code)"],
        "t",
    )
    connection = database.connect()
    connection.execute("CREATE TABLE orders (id bigint, t bigint REFERENCES t); INSERT INTO orders VALUES (1, 7)")
    before, content = dump(database, binaries), rows(connection)
    assert project.apply(plan) == "complete"
    assert connection.execute("SELECT to_regclass('t'), to_regclass('shown')").fetchone() == (None, None)
    connection.execute("DELETE FROM other WHERE code = 'none'; INSERT INTO orders VALUES (2, NULL)")
    with project.target("status") as target:
        (archive,) = purge.archives(target, "codes", 0)
        assert (archive.what, archive.size > 8192) == ("table t", True)
        assert doctor.examine(target).archives[0].what == status.status(target, [plan]).archives[0].what == "table t"
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert rows(connection) == content
    assert project.apply(plan) == "complete"
    assert project.run("purge", "--older-than", "0s", "--yes").returncode == 0
    assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'migrator_archive'").fetchone() == (0,)


def test_what_the_downgrade_makes_in_another_form_is_told(database: Database, tmp_path: Path) -> None:
    back = ["ALTER TABLE t ADD COLUMN note text", 'CREATE INDEX "By Note" ON t (note, id)']
    project, plan = prepared(database, tmp_path, ["ALTER TABLE t DROP COLUMN note"], back, "t.note")
    project.apply(plan)
    project.rollback(plan, to="migrate")
    told = [event.text for event in project.events if isinstance(event, Notice)]
    assert any(
        text.startswith('index public."By Note" is not as it was before contract: CREATE INDEX') for text in told
    )


def test_a_table_that_others_need_is_not_dropped_without_cascade(database: Database, tmp_path: Path) -> None:
    project, plan = prepared(database, tmp_path, ["DROP TABLE t"], ["CREATE TABLE t ()"], "t")
    with pytest.raises(Exception, match="other objects depend on it"):
        project.apply(plan)
    assert len(rows(database.connect())) == 500


def test_a_table_does_not_come_back_over_rows_that_were_written_since(database: Database, tmp_path: Path) -> None:
    back = ["CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t VALUES (1)"]
    project, plan = prepared(database, tmp_path, ["DROP TABLE t CASCADE"], back, "t")
    project.apply(plan)
    with pytest.raises(NotEmptyError):
        project.rollback(plan, to="migrate")
    with project.target("status") as target:
        assert status.status(target, [plan]).runs[0].next_command == "migrator rollback codes --to migrate"
    connection = database.connect()
    connection.execute("DELETE FROM t")
    project.rollback(plan, to="migrate")
    assert len(rows(connection)) == 500
