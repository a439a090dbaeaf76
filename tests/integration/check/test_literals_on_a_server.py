"""What is said of constants and checks, held against what a real server does with them."""

from __future__ import annotations

import itertools

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.check.assignment import mismatch
from migrator.check.literals import Value, is_no_value, value_of
from migrator.check.schema.schema import Schema
from migrator.check.script import learn
from migrator.check.value_checks import refuses
from migrator.sql.parser import Tree, parse_tree
from migrator.sql.statement import parse
from tests.support.databases import Database

TYPES = (
    "smallint", "int", "bigint", "numeric", "numeric(8, 2)", "real", "double precision", "date", "timestamp",
    "timestamptz", "bool", "uuid", "text", "mood", "json", "jsonb", "text[]", "int[]",
    "mood[]", "time", "timetz", "interval", "inet", "cidr", "int4range", "tstzrange",
)  # fmt: skip
TEXTS = (
    "", " ", "0", "-1", " 7 ", "1.5", ".5", "5.", "1e3", "1e", "1,5", "NaN", "-inf", "+Infinity", "infinity", "t",
    "tRuE", "tru", "off", "o", "2", "yes", "yep", "null", "now", "now()", "(now)", "now'", "today()", "CURRENT_DATE",
    "current_timestamp", "now() + '1 day'", "tomorrow", "epoch", "allballs", "2024-01-01", "2024-01-01T00:00:00Z",
    "January 8, 1999", "noon", "8", "gen_random_uuid()", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "{1,2}", "{1, null}", "{ok,bad}", "{ok,fine}", '{"ok"}', "{{1},{2}}", "[1,2)", "(,)", "empty", "1,2", "1 day",
    "P1D", "-infinity", "::1", "10.0.0.0/8", "localhost", "2024-02-30",
    "2024-13-01", "2024-02-29 25:00", "20240230", "12:30",
    "{}", "[]", "[1:2]={1,2}", " { } ", "[0]={}", '{"a": 1}', '{"a": 1,}', "{'a': 1}", "True", "1 2", '"a', "{a}",
    "{a0eebc999c0b4ef8bb6d6bb9bd380a11}", "a0eebc99-9c0b-4ef8-bb6d", "ok", "OK", "fine", "bad ",
)  # fmt: skip
ENUM = "CREATE TYPE mood AS ENUM ('ok', 'bad')"
ALPHABET = '019-+._:() eEnNowtrufals{}[]=,"xab'


def said(text: str, type_: str) -> bool:
    schema = Schema(complete=True)
    learn(schema, parse(ENUM))
    return is_no_value(text, type_, schema)


def taken(connection: psycopg.Connection, text: str, type_: str) -> bool:
    try:
        connection.execute(f"SELECT %s::text::{type_}".encode(), [text])
    except psycopg.errors.DataError:
        return False
    return True


def test_only_what_the_server_refuses_is_called_no_value(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(ENUM)
        wrong = [
            (text, type_)
            for type_, text in itertools.product(TYPES, TEXTS)
            if said(text, type_) and taken(connection, text, type_)
        ]

    assert wrong == []
    assert said("now() + interval", "int")
    assert said("gen_random_uuid()", "uuid")
    assert said("CURRENT_DATE", "date")
    assert said("fine", "mood")
    assert said("", "jsonb")
    assert said("[]", "text[]")


EXPRESSIONS = (
    "0", "-1", "1.5", "true", "NULL", "'0'::text", "'1'::varchar", "'{}'::json", "'{}'::jsonb", "now()",
    "CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP(2)", "CURRENT_TIME", "CURRENT_USER", "gen_random_uuid()",
    "random()", "clock_timestamp()::date", "jsonb_build_object()", "to_jsonb(1)", "md5('a')", "ARRAY[]::text[]",
    "ARRAY[1]", "'ok'::mood", "'1 day'::interval", "1::bool", "0::smallint", "NULL::int",
)  # fmt: skip


@pytest.mark.parametrize("type_", [*TYPES, "char(3)", "name", "bytea", "interval", "time", "money", "oid", "xml"])
def test_only_a_default_that_the_server_does_not_assign_is_called_of_another_type(
    database: Database, type_: str
) -> None:
    schema = Schema(complete=True)
    learn(schema, parse(ENUM))
    called = {one for one in EXPRESSIONS if mismatch(tree(one), type_, schema)}
    with database.connect(autocommit=True) as connection:
        connection.execute(ENUM)
        refused = set()
        for expression in EXPRESSIONS:
            try:
                connection.execute(f"CREATE TEMP TABLE t (c {type_} DEFAULT {expression})".encode())
                connection.execute("DROP TABLE t")
            except psycopg.errors.DatatypeMismatch:
                refused.add(expression)

    assert called <= refused
    if type_ in ("bool", "int", "jsonb", "uuid", "timestamptz", "mood", "text[]"):
        assert {"1.5", "true", "now()", "gen_random_uuid()", "'0'::text"} & refused <= called


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(ALPHABET, max_size=12), type_=st.sampled_from(TYPES))
def test_no_text_at_all_is_called_no_value_that_the_server_takes(database: Database, text: str, type_: str) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("DROP TYPE IF EXISTS mood")
        connection.execute(ENUM)
        assert not (said(text, type_) and taken(connection, text, type_))


NUMBERS = ("-1", "0", "1", "2.5", "10")
WORDS = ("''", "'a'", "'A'", "'a '", "'open'", "'10'")
CHECKS = (
    "c > 0", "0 < c", "c >= 1 AND c < 10", "c BETWEEN 0 AND 5", "c NOT BETWEEN 0 AND 5", "NOT c = 1", "c <> 10",
    "c IN (1, 10)", "c NOT IN (1, 10)", "c = ANY (ARRAY[0, 1])", "c <> ALL (ARRAY[0, 1])", "c > ANY (ARRAY[0, 1])",
    "c IS NOT NULL AND c > 1", "c > 0 OR other > 0", "c > 0 AND other > 0", "other IN (1) OR c IN (2)",
    "c IN (1, other)", "c IN (SELECT 1)",
)  # fmt: skip
TEXT_CHECKS = (
    "c <> ''", "c IN ('a', 'open')", "c NOT IN ('a', 'open')", "c = ANY (ARRAY['a'::text, 'b'])", "length(c) > 2",
    "char_length(c) BETWEEN 1 AND 3", "c = 'a' OR c IS NULL", "c ~ '^a'", "lower(c) = 'a'", "c < 'b'",
    "c = ANY (ARRAY['a', 'open']::text[])", "c BETWEEN 'a' AND 'b'",
)  # fmt: skip
REFUSED_AND_SEEN = {
    ("c BETWEEN 0 AND 5", "10"), ("c IN (1, 10)", "0"), ("c NOT IN (1, 10)", "10"),
    ("c IN ('a', 'open')", "''"), ("c = ANY (ARRAY['a', 'open']::text[])", "''"), ("c > ANY (ARRAY[0, 1])", "0"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "checks", "values"),
    [
        ("numeric", CHECKS, NUMBERS),
        ("text", TEXT_CHECKS, WORDS),
        ("char(8)", TEXT_CHECKS, WORDS),
        ("citext", TEXT_CHECKS, WORDS),
    ],
)
def test_only_what_a_check_refuses_is_called_refused(
    database: Database, type_: str, checks: tuple[str, ...], values: tuple[str, ...]
) -> None:
    refused = set()
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE EXTENSION citext")
        for check, value in itertools.product(checks, values):
            if not refuses(check, "c", constant(value)):
                continue
            refused.add((check, value))
            asked = f"SELECT ({check}) IS FALSE FROM (SELECT {value}::{type_} AS c, NULL::int AS other) AS row"
            assert connection.execute(asked.encode()).fetchone() == (True,), (check, value)

    assert {one for one in REFUSED_AND_SEEN if one[0] in checks and one[1] in values} <= refused


def constant(text: str) -> Value:
    value = value_of(tree(text))
    assert value is not None
    return value


def tree(expression: str) -> Tree:
    return parse_tree(f"SELECT {expression}").stmts[0].stmt.select_stmt.target_list[0].res_target.val
