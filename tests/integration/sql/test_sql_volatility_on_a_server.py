"""What is said not to be immutable, held against the server: its catalog, and the indexes that it takes."""

from __future__ import annotations

import psycopg
import pytest

from migrator.sql.volatility import CHANGING, CHANGING_BY_SETTINGS, CHANGING_BY_ZONE
from tests.support.databases import Database

TYPES = ("timestamptz", "date", "timestamp", "time", "interval", "text", "varchar", "integer", "numeric")


def test_no_function_of_the_list_has_an_immutable_form(database: Database) -> None:
    names = list(CHANGING)
    found = database.connect().execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (%s) "
        "AND provolatile = 'i'",
        [names],
    )
    assert found.fetchall() == []


def test_what_depends_on_the_zone_is_immutable_of_other_types_only(database: Database) -> None:
    found = database.connect().execute(
        "SELECT proname, bool_or(provolatile = 's') FILTER (WHERE 'timestamptz'::regtype = ANY (proargtypes::oid[])), "
        "bool_or(provolatile = 'i') FROM pg_proc "
        "WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (%s) GROUP BY 1",
        [list(CHANGING_BY_ZONE)],
    )
    assert {name: rest for name, *rest in found} == {name: [True, True] for name in CHANGING_BY_ZONE}


@pytest.mark.parametrize("before", TYPES)
def test_a_conversion_is_refused_in_an_index_where_it_is_said_to_be(database: Database, before: str) -> None:
    connection = database.connect()
    connection.execute(f"CREATE TABLE t (a {before})")
    refused = set()
    for after in TYPES:
        try:
            connection.execute(f"CREATE INDEX ON t ((a::{after}))")
        except psycopg.errors.InvalidObjectDefinition:  # not immutable
            refused.add(after)
        except psycopg.errors.CannotCoerce:
            continue
    assert refused == CHANGING_BY_SETTINGS.get(before, set())
