"""Wherever a rule says that PostgreSQL refuses a statement, it does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.check.finding import Place
from migrator.check.options import Options
from migrator.check.rule import every_rule
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.sql.statement import parse
from tests.support.databases import Databases

SETUP = """
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TABLE c (
    id int PRIMARY KEY, email varchar(8) NOT NULL, name text, phone varchar(20) UNIQUE, tier smallint,
    note text NOT NULL DEFAULT '', m mood DEFAULT 'ok', tags text[], gen text GENERATED ALWAYS AS (lower(name)) STORED,
    own bigint GENERATED ALWAYS AS IDENTITY, at timestamptz
);
CREATE TABLE o (
    id bigint PRIMARY KEY, c_id int CONSTRAINT o_c REFERENCES c (id), qty int NOT NULL DEFAULT 1 CHECK (qty > 0),
    ref varchar(32), UNIQUE (c_id, ref)
);
CREATE INDEX o_ref ON o (ref);
CREATE VIEW v AS SELECT id, name FROM c WHERE tier > 1;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr AFTER INSERT ON o FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE r (day date NOT NULL, k int) PARTITION BY RANGE (day);
CREATE TABLE r25 PARTITION OF r FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO c (id, email, name, phone) SELECT n, n, n, n FROM generate_series(1, 20) n;
INSERT INTO o SELECT n, n, 1, n FROM generate_series(1, 20) n;
INSERT INTO r VALUES ('2025-01-01', 1), ('2025-01-02', 1);
"""
COLUMNS = st.sampled_from([
    "id", "email", "name", "phone", "tier", "note", "m", "tags", "gen", "own", "at", "qty", "ref", "c_id", "z",
])  # fmt: skip
TABLES = st.sampled_from(["c", "c", "o", "o", "r", "r25", "n", "v"])
TYPES = st.sampled_from([
    "int", "smallint", "bigint", "numeric(4, 2)", "varchar(3)", "text", "bool", "date", "timestamptz", "uuid", "jsonb",
    "mood", "text[]", "int[]", "interval", "char(2)",
])  # fmt: skip
VALUES = st.sampled_from([
    "0", "1", "-5", "70000", "3000000000", "1.25", "true", "NULL", "''", "'a'", "'long text'", "'1'", "'ok'", "'{}'",
    "'[]'", "'{1}'", "now()", "'now()'", "CURRENT_DATE", "gen_random_uuid()", "'2024-02-30'", "'2024-02-29'",
    "'x'::text", "'{}'::jsonb", "ARRAY[]::text[]", "'1 day'", "'t'", "id", "lower('OK')",
])  # fmt: skip
CHECKS = st.sampled_from([
    "z > 0", "qty > 1", "note <> ''", "z IS NOT NULL", "z IN ('a', 'b')", "tier BETWEEN 0 AND 9", "id > (SELECT 1)",
    "length(email) > 0", "sum(id) > 0", "m <> 'bad'", "name IS NOT NULL AND name <> 'a'",
])  # fmt: skip
COMMANDS = st.one_of(
    st.builds("ADD COLUMN {} {}".format, COLUMNS, TYPES),
    st.builds("ADD COLUMN IF NOT EXISTS {} {} DEFAULT {}".format, COLUMNS, TYPES, VALUES),
    st.builds("ADD COLUMN z {} DEFAULT {}".format, TYPES, VALUES),
    st.builds("ADD COLUMN z {} NOT NULL DEFAULT {} UNIQUE".format, TYPES, VALUES),
    st.builds("DROP COLUMN {}".format, COLUMNS),
    st.builds("ALTER {} SET DEFAULT {}".format, COLUMNS, VALUES),
    st.builds("ALTER {} {}".format, COLUMNS, st.sampled_from(["SET NOT NULL", "DROP NOT NULL", "DROP DEFAULT"])),
    st.builds("ADD CONSTRAINT k CHECK ({}){}".format, CHECKS, st.sampled_from(["", " NOT VALID"])),
    st.builds("ADD CONSTRAINT {} UNIQUE ({})".format, st.sampled_from(["u", "c_phone_key"]), COLUMNS),
    st.builds("ADD PRIMARY KEY ({})".format, COLUMNS),
    st.builds("ADD CONSTRAINT g FOREIGN KEY ({}) REFERENCES c ({}) NOT VALID".format, COLUMNS, COLUMNS),
    st.builds("DROP CONSTRAINT {}".format, st.sampled_from(["c_pkey", "o_pkey", "o_c", "o_qty_check", "k", "nope"])),
    st.builds("VALIDATE CONSTRAINT {}".format, st.sampled_from(["k", "g", "c_pkey", "o_c"])),
)
STATEMENTS = st.one_of(
    st.builds("ALTER TABLE {} {}".format, TABLES, COMMANDS),
    st.builds("ALTER TABLE {} {}, {}".format, TABLES, COMMANDS, COMMANDS),
    st.builds("UPDATE {} SET {} = {} WHERE {} IS NOT NULL".format, TABLES, COLUMNS, VALUES, COLUMNS),
    st.builds("UPDATE c SET tags[1] = {} WHERE id = 1".format, VALUES),
    st.builds("INSERT INTO c (id, email, {}) VALUES (100, 'e', {})".format, COLUMNS, VALUES),
    st.builds("INSERT INTO o (id, {}) VALUES (101, {}), (102, {})".format, COLUMNS, VALUES, VALUES),
    st.builds("INSERT INTO c (id, email) VALUES (1, 'e') ON CONFLICT ({}) DO NOTHING".format, COLUMNS),
    st.builds("DELETE FROM {} WHERE {} IS NULL".format, TABLES, COLUMNS),
    st.builds("CREATE {}INDEX {} ON {} ({})".format, st.sampled_from(["", "UNIQUE "]), st.sampled_from(["i", "o_ref"]),
              TABLES, COLUMNS),
    st.builds("CREATE TABLE {} (a int, {} {} DEFAULT {}, PRIMARY KEY ({}))".format, TABLES, COLUMNS, TYPES, VALUES,
              COLUMNS),
    st.builds("ALTER TABLE {} RENAME {} TO {}".format, TABLES, COLUMNS, COLUMNS),
    st.builds("CREATE TRIGGER tr AFTER UPDATE OF {} ON {} FOR EACH ROW EXECUTE FUNCTION f()".format, COLUMNS, TABLES),
    st.sampled_from([
        "DROP TABLE c", "DROP TABLE o", "DROP VIEW v", "DROP FUNCTION f()", "DROP TRIGGER tr ON o", "DROP TYPE mood",
        "DROP INDEX o_ref", "ALTER TABLE o RENAME TO n", "DELETE FROM o", "TRUNCATE o", "DROP INDEX c_phone_key",
        "ALTER TYPE mood RENAME TO feeling", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE r25 RENAME TO n", "ALTER TABLE r DETACH PARTITION r25",
    ]),
)  # fmt: skip
MOMENT_RULES = tuple(rule for rule in every_rule().values() if rule.on and rule.subject == "moment")


@pytest.fixture(scope="module")
def session(databases: Databases) -> Iterator[psycopg.Connection]:
    database = databases.create()
    with database.connect(autocommit=False) as connection:
        connection.execute(SETUP)
        connection.commit()
        yield connection
    databases.drop(database)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statements=st.lists(STATEMENTS, min_size=1, max_size=4))
def test_what_is_called_refused_is_refused(session: psycopg.Connection, statements: list[str]) -> None:
    claims = refused("; ".join(statements))
    taken = ran(session, statements)

    assert [claim for number, claim in claims if number < taken] == [], "; ".join(statements)


def refused(sql: str) -> list[tuple[int, str]]:
    """Return what the rules call refused, each with the number of its statement; but not what hangs on the rows."""
    schema = Schema(complete=True)
    learn(schema, parse(SETUP))
    pieces = tuple(Piece(one, Place("x.sql", number, 0)) for number, one in enumerate(parse(sql)))
    found = walk(Script(pieces), schema.settled(), Options(18, runner_sets_timeouts=True), MOMENT_RULES)
    said = ((one.place.line, one.message) for one in found if "PostgreSQL refuses" in one.message)
    return [(number, message) for number, message in said if "each row that it changes" not in message]


def ran(session: psycopg.Connection, statements: list[str]) -> int:
    """Return how many of the statements the server took, one after the other."""
    try:
        for number, statement in enumerate(statements):
            try:
                session.execute(statement.encode())
            except psycopg.Error:
                return number
        return len(statements)
    finally:
        session.rollback()
