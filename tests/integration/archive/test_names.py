"""What is archived may have names that something in the archive, or by then outside of it, has already."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.errors import MigratorError
from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import dump, prepared, rows
from tests.support.databases import Database

TWICE = """
CREATE SCHEMA shop;
CREATE TABLE shop.t (id serial CONSTRAINT t_pkey PRIMARY KEY, day date NOT NULL);
CREATE INDEX by_code ON shop.t (day);
CREATE TABLE shop.days (id int, day date, CONSTRAINT days_key PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.days_rest PARTITION OF shop.days (CONSTRAINT one_code UNIQUE (day, id)) DEFAULT;
CREATE SEQUENCE shop.t_number_seq OWNED BY shop.t.id;
INSERT INTO shop.t (day) SELECT date '2026-01-01' + g FROM generate_series(1, 30) g;
INSERT INTO shop.days SELECT g, date '2026-01-01' + g FROM generate_series(1, 30) g;
"""
DROP = ["DROP TABLE t CASCADE", "DROP TABLE shop.t", "DROP TABLE shop.days"]
BACK = [
    "CREATE TABLE t (id bigint PRIMARY KEY)",
    "CREATE TABLE shop.t (id int PRIMARY KEY)",
    "CREATE TABLE shop.days (id int, day date) PARTITION BY RANGE (day)",
]


def test_tables_whose_indexes_and_sequences_have_the_same_names(
    database: Database, tmp_path: Path, binaries: Binaries
) -> None:
    project, plan = prepared(database, tmp_path, DROP, BACK, "t, shop.t, shop.days", more=TWICE)
    connection = database.connect()
    before, content = dump(database, binaries), rows(connection)
    for _ in range(2):
        assert project.apply(plan) == "complete"
        project.rollback(plan, to="migrate")
        assert dump(database, binaries) == before
        assert rows(connection) == content
        assert connection.execute("SELECT count(*) FROM shop.days").fetchone() == (30,)
    connection.execute("INSERT INTO shop.t (day) VALUES (now())")


@pytest.mark.parametrize("archive", ["t", "t.code"])
def test_what_a_ledger_of_before_has_left_in_the_archive_is_not_touched(
    database: Database, tmp_path: Path, archive: str
) -> None:
    drop = "DROP TABLE t CASCADE" if archive == "t" else "ALTER TABLE t DROP COLUMN code CASCADE"
    project, plan = prepared(database, tmp_path, [drop], ["SELECT 1"], archive)
    connection = database.connect()
    (number,) = connection.execute("SELECT max(id) FROM migrator.steps WHERE phase = 'contract'").fetchone()
    left = f"migrator_archive.step_{number}_0"
    connection.execute(f"CREATE SCHEMA migrator_archive; CREATE TABLE {left} AS SELECT 1 AS kept")
    with pytest.raises(MigratorError, match="is there already") as caught:
        project.apply(plan)
    assert f"ALTER TABLE {left} RENAME TO" in str(caught.value.help)
    assert connection.execute(f"SELECT kept FROM {left}").fetchall() == [(1,)]
    assert len(rows(connection)) == 500
    connection.execute(f"ALTER TABLE {left} RENAME TO of_before")
    assert project.apply(plan) == "complete"


def test_a_table_comes_back_when_the_name_of_its_index_is_free(database: Database, tmp_path: Path) -> None:
    project, plan = prepared(database, tmp_path, ["DROP TABLE t CASCADE"], ["SELECT 1"], "t")
    connection = database.connect()
    content = rows(connection)
    assert project.apply(plan) == "complete"
    connection.execute("CREATE TABLE newer (id int CONSTRAINT t_pkey PRIMARY KEY)")
    with pytest.raises(MigratorError, match='"t_pkey" already exists'):
        project.rollback(plan, to="migrate")
    connection.execute("ALTER INDEX t_pkey RENAME TO newer_pkey")
    project.rollback(plan, to="migrate")
    assert rows(connection) == content


def test_a_constraint_that_is_called_like_the_column_does_not_end_its_copy(database: Database, tmp_path: Path) -> None:
    more = "ALTER TABLE t ADD CONSTRAINT code CHECK (id > 0);"
    drop = ["ALTER TABLE t DROP CONSTRAINT code"]
    project, plan = prepared(database, tmp_path, drop, ["SELECT 1"], "t.code", more=more)
    project.apply(plan)
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname LIKE 'zz_migrator_archive%'"
    assert database.connect().execute(triggers).fetchone() == (1,)


def test_a_type_in_the_place_of_the_archive_is_told_as_one(database: Database, tmp_path: Path) -> None:
    project, plan = prepared(database, tmp_path, ["ALTER TABLE t DROP COLUMN code CASCADE"], ["SELECT 1"], "t.code")
    connection = database.connect()
    (number,) = connection.execute("SELECT max(id) FROM migrator.steps WHERE phase = 'contract'").fetchone() or ()
    left = f"migrator_archive.step_{number}_0"
    connection.execute(f"CREATE SCHEMA migrator_archive; CREATE TYPE {left} AS ENUM ()")
    with pytest.raises(MigratorError, match="is there already") as caught:
        project.apply(plan)
    assert f"ALTER TYPE {left} RENAME TO" in str(caught.value.help)
