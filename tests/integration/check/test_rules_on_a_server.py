"""What rules claim of rewrites and locks, held against relfilenode and pg_locks of a real server."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.check.finding import Finding, Place, Severity
from migrator.check.options import Options
from migrator.check.rule import every_rule
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.sql.statement import parse
from tests.support.databases import Database

SCHEMA = """
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a int, email varchar(80), price numeric(10,2), c text CHECK (c <> ''));
INSERT INTO parent SELECT g FROM generate_series(1, 10) g;
INSERT INTO t SELECT g, g, g, g, g FROM generate_series(1, 10) g;
"""
REWRITES = {
    "ALTER TABLE t ADD COLUMN n uuid DEFAULT gen_random_uuid()": "add-column-volatile-default",
    "ALTER TABLE t ADD COLUMN n bigserial": "add-serial-column",
    "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY": "add-identity-column",
    "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a * 2) STORED": "add-generated-stored",
    "ALTER TABLE t ADD COLUMN n pos": "add-column-constrained-domain",
    "ALTER TABLE t ALTER COLUMN a TYPE bigint": "change-column-type",
    "ALTER TABLE t ALTER COLUMN price TYPE numeric(10,4)": "change-column-type",
    "ALTER TABLE t SET UNLOGGED": "change-storage",
}
KEEPS = (
    "ALTER TABLE t ADD COLUMN n timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE t ALTER COLUMN email TYPE varchar(320)",
    "ALTER TABLE t ALTER COLUMN email TYPE text",
    "ALTER TABLE t ALTER COLUMN price TYPE numeric(14,2)",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
    "ALTER TABLE t ADD COLUMN n int REFERENCES parent (id)",
)
BLOCKS = {
    "CREATE INDEX i ON t (a)": ("create-index-blocking", "ShareLock"),
    "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES parent (id)": (
        "add-foreign-key-valid",
        "ShareRowExclusiveLock",
    ),
    "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)": ("add-check-valid", "AccessExclusiveLock"),
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL": ("set-not-null", "AccessExclusiveLock"),
    "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)": ("add-unique-constraint", "AccessExclusiveLock"),
    "ALTER TABLE t ALTER COLUMN c TYPE varchar": ("change-type-with-check", "AccessExclusiveLock"),
    "REINDEX TABLE t": ("reindex-blocking", "ShareLock"),
}


def judged(sql: str) -> list[Finding]:
    schema = Schema(complete=True)
    learn(schema, parse(SCHEMA))
    rules = tuple(rule for rule in every_rule().values() if rule.on and rule.subject == "moment")
    script = Script(tuple(Piece(one, Place("x.sql", one.line, one.column)) for one in parse(sql)))
    return list(walk(script, schema.settled(), Options(18, runner_sets_timeouts=True), rules))


def observed(database: Database, sql: str) -> tuple[bool, set[str]]:
    """Return whether the table was written anew, and the locks held on it, just before the commit."""
    with database.connect() as connection:
        connection.execute(SCHEMA)
        before = file_of(connection)
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute(sql.encode())
            rows = connection.execute(
                "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 't'::regclass"
            ).fetchall()
            after = file_of(connection)
    return before != after, {row[0] for row in rows}


def file_of(connection: Any) -> int:
    row = connection.execute("SELECT pg_relation_filenode('t'::regclass)").fetchone()
    return int(row[0])


@pytest.mark.parametrize(("sql", "rule"), REWRITES.items())
def test_what_is_reported_as_a_rewrite_writes_the_table_anew(database: Database, sql: str, rule: str) -> None:
    rewritten, locks = observed(database, sql)

    assert rewritten
    assert "AccessExclusiveLock" in locks
    assert rule in {one.rule for one in judged(sql) if one.severity is Severity.ERROR}


@pytest.mark.parametrize("sql", KEEPS)
def test_what_is_not_reported_leaves_the_table_as_it_is(database: Database, sql: str) -> None:
    rewritten, _ = observed(database, sql)

    assert not rewritten
    assert [one.rule for one in judged(sql)] == []


@pytest.mark.parametrize(("sql", "claim"), BLOCKS.items())
def test_what_is_reported_as_blocking_holds_that_lock(database: Database, sql: str, claim: tuple[str, str]) -> None:
    rule, mode = claim
    rewritten, locks = observed(database, sql)

    assert mode in locks
    assert not rewritten
    assert rule in {one.rule for one in judged(sql) if one.severity is Severity.ERROR}
