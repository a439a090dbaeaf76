"""What rules claim of rewrites and locks, held against relfilenode and pg_locks of a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrator.check.finding import Finding, Hazard, Place, Severity
from migrator.check.options import Options
from migrator.check.rule import every_rule
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.sql.statement import parse
from tests.support.corpus import SEEN_ON_A_SERVER, cases
from tests.support.databases import Database, Databases
from tests.support.servers import ServerMaker
from tests.support.versions import binaries_of

SCHEMA = """
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a int, email varchar(80), price numeric(10,2), c text CHECK (c <> ''));
CREATE INDEX t_c ON t (c);
CREATE TABLE r (a int, b int) PARTITION BY LIST (a);
CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
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
LOCKS = {
    "DROP INDEX t_c": ("drop-index-blocking", "t", "AccessExclusiveLock"),
    "ALTER TABLE r DETACH PARTITION r1": ("detach-partition-blocking", "r", "AccessExclusiveLock"),
    "REFRESH MATERIALIZED VIEW m": ("refresh-matview-blocking", "m", "AccessExclusiveLock"),
    "BEGIN; LOCK TABLE t": ("lock-table", "t", "AccessExclusiveLock"),
    "TRUNCATE t": ("truncate", "t", "AccessExclusiveLock"),
    "ALTER TABLE t ADD COLUMN n int": ("missing-lock-timeout", "t", "AccessExclusiveLock"),
    "BEGIN; ALTER TABLE t ADD COLUMN n int; ALTER TABLE parent ADD COLUMN n int": (
        "lock-several-tables",
        "parent",
        "AccessExclusiveLock",
    ),
}
"""Statements that do no long work: it is the lock that they wait for, or keep, that holds others up."""
NOT_TO_BE_HAD = frozenset({"add-column-default-rewrite"})
"""Rules about versions older than any that is supported."""


def judged(sql: str, *, timeouts: bool = True) -> list[Finding]:
    schema = Schema(complete=True)
    learn(schema, parse(SCHEMA))
    rules = tuple(rule for rule in every_rule().values() if rule.on and rule.subject == "moment")
    script = Script(tuple(Piece(one, Place("x.sql", one.line, one.column)) for one in parse(sql)))
    return list(walk(script, schema.settled(), Options(18, runner_sets_timeouts=timeouts), rules))


def observed(database: Database, sql: str, table: str = "t") -> tuple[bool, set[str]]:
    """Return whether t was written anew, and the locks held on a table, just before the commit."""
    with database.connect() as connection:
        connection.execute(SCHEMA)
        before = file_of(connection)
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute(sql.removeprefix("BEGIN; ").encode())
            rows = connection.execute(
                "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = %s::regclass", [table]
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


@pytest.mark.parametrize(("sql", "claim"), LOCKS.items())
def test_what_is_reported_for_its_lock_alone_takes_it(
    database: Database, sql: str, claim: tuple[str, str, str]
) -> None:
    rule, table, mode = claim
    _, locks = observed(database, sql, table)

    assert mode in locks
    assert rule in {one.rule for one in judged(sql, timeouts=False) if one.severity is Severity.ERROR}


def test_every_claim_of_a_lock_or_of_work_under_it_is_proven_here_or_by_the_corpus() -> None:
    seen = {found.rule for case in cases() if case.why in SEEN_ON_A_SERVER for found in case.verdict(case.until)}
    here = {*REWRITES.values(), *(rule for rule, _ in BLOCKS.values()), *(rule for rule, _, _ in LOCKS.values())}
    claiming = {
        rule.name
        for rule in every_rule().values()
        if rule.subject == "moment" and rule.hazard in (Hazard.BLOCKS, Hazard.REWRITES, Hazard.SCANS)
    }

    assert claiming - seen - here == NOT_TO_BE_HAD


@pytest.mark.matrix
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", [14, 18])
def test_the_oldest_and_the_newest_version_rewrite_and_lock_as_the_rules_claim(
    version: int, session_base: Path
) -> None:
    maker = ServerMaker(session_base, binaries_of(version))
    databases = Databases(maker.server().url, "rules")
    wrong = []
    claims = {
        **dict.fromkeys(REWRITES, ("t", "AccessExclusiveLock", True)),
        **{sql: ("t", mode, False) for sql, (_, mode) in BLOCKS.items()},
        **{sql: (table, mode, sql.startswith("TRUNCATE")) for sql, (_, table, mode) in LOCKS.items()},
        **dict.fromkeys(KEEPS, ("t", "", False)),
    }
    for sql, (table, mode, anew) in claims.items():
        database = databases.create()
        rewritten, locks = observed(database, sql, table)
        wrong += [sql] if rewritten is not anew or (mode and mode not in locks) else []
        databases.drop(database)
    databases.close()
    maker.close()

    assert wrong == []


INDEXABLE = """
bit bool box bpchar bytea cidr circle date daterange float4 float8 inet int2 int4 int4multirange int4range int8 interval
json jsonb jsonpath line lseg macaddr money name numeric numrange oid path pg_lsn point polygon text time timestamp
timestamptz timetz tsquery tsrange tsvector uuid varbit varchar xid xml text[] jsonb[]
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not


@pytest.mark.parametrize("method", ["btree", "hash", "gin", "gist"])
def test_types_without_an_operator_class_are_those_that_a_server_refuses(method: str, database: Database) -> None:
    connection = database.connect()
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(INDEXABLE))
    connection.execute(f"CREATE TABLE every (ordered int, {columns})".encode())
    schema = Schema()
    learn(schema, parse(f"CREATE TABLE every (ordered int, {columns})"))
    rules = (every_rule()["index-refused"],)
    wrong = []
    for number, type_ in enumerate(INDEXABLE):
        index = f"CREATE INDEX ON every USING {method} (c{number})"
        try:
            connection.execute(index.encode())
            refused = False
        except psycopg.errors.UndefinedObject:
            refused = True
        script = Script(tuple(Piece(one, Place("x.sql", 1)) for one in parse(index)))
        said = bool(list(walk(script, schema.settled(), Options(18), rules)))
        wrong += [] if said is refused else [f"{method} {type_}: refused is {refused}"]
    assert wrong == []
