"""Names and lists that migrator.sql carries are those of the server."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.sql.default_names import free_name, index_columns, index_middle
from migrator.sql.names import MAX_NAME_BYTES, SYSTEM_COLUMNS, Name, clip, quote, split_name
from migrator.sql.statement import parse_one
from migrator.sql.volatility import AGGREGATES, RANDOM, STEADY
from tests.support.databases import Databases

identifiers = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=70)
    .map(lambda text: clip(text, MAX_NAME_BYTES))
    .filter(bool)
)
columns_of_tables = identifiers.filter(lambda name: name not in SYSTEM_COLUMNS)
server_settings = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def session(databases: Databases) -> Iterator[psycopg.Connection]:
    database = databases.create()
    with database.connect(autocommit=False) as connection:
        yield connection
    databases.drop(database)


@server_settings
@given(name=identifiers)
def test_a_quoted_name_is_the_same_name_to_postgresql(session: psycopg.Connection, name: str) -> None:
    cursor = session.execute(f"select 1 as {quote(name)}".replace("%", "%%"), ())
    assert cursor.description is not None
    assert cursor.description[0].name == name


@server_settings
@given(name=identifiers)
def test_a_name_is_split_as_postgresql_splits_it(session: psycopg.Connection, name: str) -> None:
    text = Name(name, "public").quoted()
    (parts,) = session.execute("select parse_ident(%s)", (text,)).fetchone() or ()
    assert parts == ["public", name]
    assert split_name(text) == Name(name, "public")


@server_settings
@given(table=identifiers, columns=st.lists(columns_of_tables, min_size=1, max_size=4, unique=True))
def test_default_names_are_those_that_postgresql_chooses(
    session: psycopg.Connection, table: str, columns: list[str]
) -> None:
    over = ", ".join(map(quote, columns))
    made = ", ".join(f"{quote(column)} int" for column in columns)
    index = f"create index on {quote(table)} ({over}, lower({quote(columns[0])}::text))"
    names = index_columns(parse_one(index).tree.index_params)
    try:
        session.execute(f"create table {quote(table)} ({made})".replace("%", "%%"), ())
        for statement in (index, index, f"alter table {quote(table)} add unique ({over})"):
            session.execute(statement.replace("%", "%%"), ())
        rows = session.execute(
            "select c.relname, i.indisunique from pg_index i join pg_class c on c.oid = i.indexrelid"
            " where i.indrelid = %s::regclass order by c.oid",
            (quote(table),),
        ).fetchall()
    finally:
        session.rollback()
    chosen: list[str] = []
    for _ in range(2):
        chosen.append(free_name(table, index_middle(names), "idx", chosen.__contains__))
    chosen.append(free_name(table, index_middle(columns), "key", chosen.__contains__))
    assert [name for name, _ in rows] == chosen


def test_the_system_columns_are_those_of_the_server(session: psycopg.Connection) -> None:
    rows = session.execute("select attname from pg_attribute where attrelid = 'pg_type'::regclass and attnum < 0")
    assert {name for (name,) in rows} == SYSTEM_COLUMNS


def test_no_function_called_steady_is_volatile_on_the_server(session: psycopg.Connection) -> None:
    rows = session.execute("select distinct proname from pg_proc where provolatile = 'v' and pronamespace = 11::oid")
    volatile = {name for (name,) in rows} - {"timezone"}  # on 14 for timetz only, which nobody gives a default
    assert volatile & STEADY == set()


def test_functions_called_random_are_volatile_where_the_server_has_them(session: psycopg.Connection) -> None:
    rows = session.execute("select distinct proname from pg_proc where provolatile <> 'v' and pronamespace = 11::oid")
    assert {name for (name,) in rows} & RANDOM == set()


def test_every_aggregate_of_the_server_is_known_as_one(session: psycopg.Connection) -> None:
    rows = session.execute(
        "select distinct proname from pg_proc where prokind = 'a' and pronamespace = 11::oid"
        " and proname not in ('rank', 'dense_rank', 'percent_rank', 'cume_dist')"  # window functions as well
    )
    assert {name for (name,) in rows} - AGGREGATES == set()
