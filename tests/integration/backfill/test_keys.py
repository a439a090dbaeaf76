"""A backfill comes to every row exactly once, whatever the key is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migrator.engine.events import RowProgress
from migrator.engine.parts import KeyWrittenError
from migrator.engine.refused import RowRefusedError
from migrator.postgres.tables import NoKeyError
from tests.integration.backfill.conftest import MakePlan
from tests.support.project import Project

ROWS = 350
COUNT = {"writes": "writes + 1"}


@dataclass(frozen=True)
class Key:
    """The columns of a primary key, and the SQL of their values for the row numbered n."""

    columns: str
    values: str
    table: str = "items"


# Letters whose order depends on the collation, among them some that are equal but for accents, case or blanks.
LETTERS = "(string_to_array('a A á B b_ ß ss z Z ä _ - '' \" % \\ 🙂 é', ' ') || ARRAY['e' || chr(769), ''])"
TEXT = f"{LETTERS}[1 + n % 20] || chr(33 + n / 20)"

KEYS = {
    "numbers with gaps": Key("id bigint", "n * n - 50000"),
    "two columns": Key("shop smallint, id integer", "n % 7, n / 7"),
    "three columns of different types": Key("a text, b date, c integer", "'x' || n % 3, date '2020-01-01' + n % 5, n"),
    "uuid": Key("id uuid", "md5(n::text)::uuid"),
    "text": Key("id text", TEXT),
    "text in byte order": Key('id text COLLATE "C"', TEXT),
    "text that compares without case": Key("id text COLLATE anycase", f"{TEXT} || n"),
    "padded text": Key("id character(12)", f"{TEXT} || n"),
    "numeric": Key("id numeric", "(n - 175) / 7.0 * 10 ^ (n % 30)"),
    "numeric of a scale": Key("id numeric(12, 3)", "(n - 175) / 7.0"),
    "double precision": Key("id double precision", "(n - 175) / 7.0::float8 * 1e-20"),
    "real": Key("id real", "(n - 175) / 7.0::float4"),
    "time with time zone": Key("id timestamptz", "timestamptz '2026-03-29 00:00+00' + n * interval '1 second 7 us'"),
    "date, BC and infinity": Key("id date", "CASE n WHEN 1 THEN '-infinity' ELSE date '0001-01-20 BC' + n END"),
    "interval": Key("id interval", "n * interval '1 mon -3 days 00:00:01.5'"),
    "bytes": Key("id bytea", "sha256(n::text::bytea)"),
    "enum": Key("kind mood, id integer", "(enum_range(NULL::mood))[1 + n % 3], n"),
    "domain": Key("id positive", "n"),
    "address": Key("id inet", "inet '10.0.0.0' + n"),
    "array": Key("id integer[]", "ARRAY[n % 9, n]"),
    "names that must be quoted": Key('"Grün ""x"" %s" integer, "order" text', "n, 'x' || n", 'Ärger "%s" \'{}'),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_every_row_is_written_exactly_once(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, key: Key
) -> None:
    make_table(connection, key)
    table = sql.Identifier(key.table).as_string()
    assert project.backfill(backfill(table, COUNT)) == "complete"
    counted = sql.SQL("SELECT writes, count(*) FROM {} GROUP BY 1").format(sql.Identifier(key.table))
    assert connection.execute(counted).fetchall() == [(1, ROWS)]
    assert the_slice(connection) == (ROWS, ROWS, 4, True)


def make_table(connection: psycopg.Connection, key: Key, rows: int = ROWS) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
    connection.execute("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
    if "anycase" in key.columns:
        make_collation(connection)
    table = sql.Identifier(key.table)
    columns = sql.SQL(key.columns)  # type: ignore[arg-type]  # a constant of this file
    connection.execute(sql.SQL("CREATE TABLE {} ({}, writes integer NOT NULL DEFAULT 0)").format(table, columns))
    values = sql.SQL(key.values)  # type: ignore[arg-type]  # a constant of this file
    insert = sql.SQL("INSERT INTO {} SELECT {} FROM generate_series(1, {}) n").format(table, values, rows)
    connection.execute(insert)
    names = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attname <> 'writes'",
        (table.as_string(),),
    )
    primary = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)
    connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, primary))


def make_collation(connection: psycopg.Connection) -> None:
    try:
        connection.execute(
            "CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    except psycopg.errors.FeatureNotSupported as error:
        pytest.skip(f"this server has no such collations: {error.diag.message_primary}")


def the_slice(connection: psycopg.Connection) -> tuple[Any, ...] | None:
    return connection.execute("SELECT rows_done, rows_changed, chunks, done FROM migrator.slices").fetchone()


@pytest.mark.parametrize(
    ("rows", "chunks"), [(1, 1), (99, 1), (100, 1), (101, 2), (200, 2)], ids=lambda number: f"{number}"
)
def test_the_last_chunk_ends_at_the_last_row(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, rows: int, chunks: int
) -> None:
    make_table(connection, KEYS["numbers with gaps"], rows)
    project.backfill(backfill("items", COUNT))
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall() == [(1, rows)]
    assert the_slice(connection) == (rows, rows, chunks, True)


def test_an_empty_table_is_done_at_once(connection: psycopg.Connection, project: Project, backfill: MakePlan) -> None:
    make_table(connection, KEYS["numbers with gaps"], rows=0)
    assert project.backfill(backfill("items", COUNT)) == "complete"
    assert the_slice(connection) is None


def test_a_table_without_a_key_is_refused(connection: psycopg.Connection, project: Project, backfill: MakePlan) -> None:
    connection.execute("CREATE TABLE items AS SELECT n AS id, 0 AS writes FROM generate_series(1, 10) n")
    with pytest.raises(NoKeyError) as refused:
        project.backfill(backfill("items", COUNT))
    assert refused.value.exit_code == 5
    assert connection.execute("SELECT sum(writes) FROM items").fetchone() == (0,)


@pytest.fixture
def partitioned(connection: psycopg.Connection) -> None:
    """A table in three partitions, one of which is partitioned again, made with its columns in another order."""
    columns = "id integer, shop integer, writes integer NOT NULL DEFAULT 0, note text, PRIMARY KEY (id, shop)"
    connection.execute(f"CREATE TABLE items ({columns}) PARTITION BY LIST (shop)")
    connection.execute("CREATE TABLE items_1 PARTITION OF items FOR VALUES IN (1)")
    connection.execute("CREATE TABLE items_2 (note text, writes integer NOT NULL DEFAULT 0, shop integer, id integer)")
    connection.execute("ALTER TABLE items_2 ALTER id SET NOT NULL, ALTER shop SET NOT NULL")
    connection.execute("ALTER TABLE items ATTACH PARTITION items_2 FOR VALUES IN (2)")
    connection.execute("CREATE TABLE items_3 PARTITION OF items FOR VALUES IN (3) PARTITION BY RANGE (id)")
    connection.execute('CREATE TABLE "Items 3 a" PARTITION OF items_3 FOR VALUES FROM (0) TO (100)')
    connection.execute("CREATE TABLE items_3_b PARTITION OF items_3 FOR VALUES FROM (100) TO (9999)")
    connection.execute(f"INSERT INTO items SELECT n, n % 3 + 1 FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


@pytest.mark.usefixtures("partitioned")
def test_partitions_are_done_one_after_the_other_and_only_one_is_locked(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    locks = (
        "pg_locks WHERE pid = pg_backend_pid() AND mode = 'RowExclusiveLock' AND relation::regclass::text ~* 'items'"
    )
    note = f"(SELECT array_agg(DISTINCT relation::regclass::text)::text FROM {locks})"
    plan = backfill("items", {"writes": "items.writes + 1", "note": note}, workers=2)
    assert project.backfill(plan) == "complete"
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall() == [(1, ROWS)]
    held = connection.execute("SELECT tableoid::regclass::text, max(note) FROM items GROUP BY 1 ORDER BY 1").fetchall()
    named = {leaf: set(re.findall(r"Items 3 a|items_\w+?(?=_pkey|\W)", note)) for leaf, note in held}
    assert named == {leaf: {leaf.strip('"')} for leaf, _ in held}, held
    shown = [event for event in project.events if isinstance(event, RowProgress)]
    assert {event.rows_total for event in shown} == {ROWS}
    assert [event.rows_done for event in shown] == sorted(event.rows_done for event in shown)


@pytest.mark.usefixtures("partitioned")
def test_a_row_that_is_refused_holds_up_no_other_partition_and_keys_are_not_changed(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("ALTER TABLE items ADD CONSTRAINT few CHECK (id NOT IN (3, 50) OR writes = 0)")
    with pytest.raises(RowRefusedError, match="few"):
        project.backfill(backfill("items", COUNT))
    assert dict(connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall()) == {0: 2, 1: ROWS - 2}
    project.rollback(backfill("items", COUNT))
    with pytest.raises(KeyWrittenError, match="shop"):
        project.backfill(backfill("items", {**COUNT, "shop": "shop % 3 + 1"}))
    assert dict(connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall()) == {0: 2, 1: ROWS - 2}


def test_a_table_in_another_schema_is_found_by_its_full_name(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("CREATE SCHEMA shop")
    connection.execute("CREATE TABLE shop.items (id integer PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
    connection.execute("INSERT INTO shop.items SELECT generate_series(1, 10)")
    project.backfill(backfill("shop.items", COUNT))
    assert connection.execute("SELECT writes, count(*) FROM shop.items GROUP BY 1").fetchall() == [(1, 10)]
