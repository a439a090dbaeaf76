"""A column that moves to a table of its own: old code writes the one, new code the other, and both stay right."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from migrator.plan import Plan
from tests.support.brake import Brake
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project

PLAN = """
expand:
  - dual_write:
      table: items
      into: bodies
      key: {item_id: id}
      forward: {body: description}
      backward: {description: body}
migrate:
  - backfill:
      table: items
      into: bodies
      set: {item_id: id, body: description}
      where: {where}
      chunk_rows: 100
      chunk_target: 5s
"""
MISSING = "NOT EXISTS (SELECT 1 FROM bodies WHERE item_id = id)"
DIFFERENT = """
    SELECT count(*) FROM items FULL JOIN bodies ON item_id = id
    WHERE id IS NULL OR item_id IS NULL OR description IS DISTINCT FROM body
"""
NEW_BODY = "INSERT INTO bodies VALUES (%(id)s, %(text)s) ON CONFLICT (item_id) DO UPDATE SET body = EXCLUDED.body"


@pytest.fixture
def plan(connection: psycopg.Connection, project: Project) -> Callable[..., Plan]:
    connection.execute("CREATE TABLE items (id integer PRIMARY KEY, description text, other integer)")
    connection.execute("CREATE TABLE bodies (item_id integer PRIMARY KEY, body text)")
    return lambda where=MISSING: project.plan("split", PLAN.replace("{where}", where))


@pytest.fixture
def installed(connection: psycopg.Connection, project: Project, plan: Callable[..., Plan]) -> None:
    connection.execute("INSERT INTO items SELECT n, 'text ' || n FROM generate_series(1, 5) n")
    project.apply(plan())
    assert connection.execute(DIFFERENT).fetchone() == (0,)


def both(connection: psycopg.Connection, key: int) -> tuple[str | None, str | None] | None:
    query = "SELECT description, body FROM items LEFT JOIN bodies ON item_id = id WHERE id = %s"
    return connection.execute(query, (key,)).fetchone()


@pytest.mark.usefixtures("installed")
def test_old_code_inserts_updates_and_deletes(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO items VALUES (6, 'six'), (7, NULL)")
    connection.execute("UPDATE items SET description = 'one' WHERE id = 1")
    connection.execute("UPDATE items SET description = NULL WHERE id = 2")
    connection.execute("DELETE FROM items WHERE id = 3")
    assert [both(connection, key) for key in (6, 7, 1, 2, 3)] == [
        ("six", "six"),
        (None, None),
        ("one", "one"),
        (None, None),
        None,
    ]
    assert connection.execute("SELECT count(*) FROM bodies WHERE item_id = 3").fetchone() == (0,)


@pytest.mark.usefixtures("installed")
def test_new_code_inserts_updates_and_deletes(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO items (id) VALUES (6)")
    connection.execute(NEW_BODY, {"id": 6, "text": "six"})
    connection.execute("UPDATE bodies SET body = 'one' WHERE item_id = 1")
    connection.execute("UPDATE bodies SET body = NULL WHERE item_id = 2")
    connection.execute("DELETE FROM bodies WHERE item_id = 3")
    assert [both(connection, key) for key in (6, 1, 2, 3)] == [
        ("six", "six"),
        ("one", "one"),
        (None, None),
        (None, None),
    ]


@pytest.mark.usefixtures("installed")
def test_one_write_of_the_application_makes_one_write_on_the_other_side(database: Database) -> None:
    counts = (
        "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
        "WHERE relname IN ('items', 'bodies') ORDER BY 1"
    )
    for statement in (
        "UPDATE items SET description = 'x' WHERE id = 1",
        "UPDATE bodies SET body = 'y' WHERE item_id = 1",
        "INSERT INTO items VALUES (9, 'z')",
        "DELETE FROM items WHERE id = 9",
    ):
        with database.connect(autocommit=False) as own:  # a session counts what it has not reported yet
            own.execute(statement)  # type: ignore[arg-type]  # constants of this test
            assert own.execute(counts).fetchall() == [("bodies", 1), ("items", 1)]


@pytest.mark.usefixtures("installed")
def test_a_write_that_concerns_neither_shape_writes_nothing_else(database: Database) -> None:
    with database.connect(autocommit=False) as own:
        own.execute("UPDATE items SET other = 1")
        written = "SELECT n_tup_ins + n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'bodies'"
        assert own.execute(written).fetchone() == (0,)


@pytest.mark.usefixtures("installed")
def test_a_role_without_rights_on_the_other_table_can_still_write(
    connection: psycopg.Connection, database: Database
) -> None:
    role = f"application_{database.name}"
    parts = urlsplit(database.url)
    connection.execute(f"CREATE ROLE {role} LOGIN")  # type: ignore[arg-type]  # a name of this session's own
    try:
        connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON items TO {role}")  # type: ignore[arg-type]  # as above
        url = urlunsplit(parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}"))
        with psycopg.connect(url, autocommit=True) as old:
            old.execute("SET search_path = ''")
            old.execute("INSERT INTO public.items VALUES (6, 'six')")
            old.execute("UPDATE public.items SET description = 'one' WHERE id = 1")
            old.execute("DELETE FROM public.items WHERE id = 2")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                old.execute("SELECT FROM public.bodies")
        connection.execute(f"REVOKE ALL ON items FROM {role}")  # type: ignore[arg-type]  # as above
        connection.execute(f"GRANT SELECT, UPDATE ON bodies TO {role}")  # type: ignore[arg-type]  # as above
        with psycopg.connect(url, autocommit=True) as new:
            new.execute("UPDATE bodies SET body = 'new' WHERE item_id = 3")
    finally:
        connection.execute(f"DROP OWNED BY {role}")  # type: ignore[arg-type]  # as above
        connection.execute(f"DROP ROLE {role}")  # type: ignore[arg-type]  # as above
    assert connection.execute(DIFFERENT).fetchone() == (0,)
    assert both(connection, 3) == ("new", "new")


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.usefixtures("installed")
def test_old_and_new_code_at_once_leave_no_difference(
    connection: psycopg.Connection, database: Database, seed: int
) -> None:
    """Old code locks the item first and new code the body, so deadlocks are the application's to repeat, as ever."""

    def write(number: int) -> None:
        rng = random.Random(seed * 100 + number)
        with database.connect() as own:
            own.execute("SET deadlock_timeout = '10ms'")
            done = 0
            while done < 100:
                values = {"id": rng.randint(1, 8), "text": f"{number}.{done}"}
                try:
                    if number % 2 == 0:
                        own.execute(rng.choice(OLD_CODE), values)
                    else:
                        own.execute("UPDATE bodies SET body = %(text)s WHERE item_id = %(id)s", values)
                except psycopg.errors.DeadlockDetected:
                    continue
                done += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert connection.execute(DIFFERENT).fetchone() == (0,)


OLD_CODE = (
    "UPDATE items SET description = %(text)s WHERE id = %(id)s",
    "DELETE FROM items WHERE id = %(id)s",
    "INSERT INTO items VALUES (%(id)s, %(text)s) ON CONFLICT (id) DO UPDATE SET description = EXCLUDED.description",
)


@dataclass(frozen=True)
class Meanwhile:
    """What the application does to row `key`, and what both sides are to hold then."""

    statement: str
    key: int
    expected: tuple[str, str] | None


NEW = ("new", "new")


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(Meanwhile("DELETE FROM items WHERE id = 110", 110, None), id="deleted"),
        pytest.param(Meanwhile("UPDATE items SET description = 'new' WHERE id = 110", 110, NEW), id="updated"),
        pytest.param(Meanwhile(NEW_BODY % {"id": 110, "text": "'new'"}, 110, NEW), id="written by new code"),
        pytest.param(Meanwhile("DELETE FROM items WHERE id = 190", 190, None), id="deleted before it is copied"),
        pytest.param(Meanwhile("UPDATE items SET description = 'new' WHERE id = 190", 190, NEW), id="updated before"),
        pytest.param(Meanwhile(NEW_BODY % {"id": 190, "text": "'new'"}, 190, NEW), id="written by new code before"),
    ],
)
def test_a_row_written_while_the_backfill_copies_it_ends_equal_on_both_sides(
    database: Database, project: Project, plan: Callable[..., Plan], meanwhile: Meanwhile
) -> None:
    """The chunk stands still at row 150: 110 is copied and not committed, 190 is still to come."""
    connection = database.connect()
    connection.execute("INSERT INTO items SELECT n, 'text ' || n FROM generate_series(1, 250) n")
    split = plan(f"{MISSING} AND braked(id = 150)")
    writer = database.connect()
    waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    with ThreadPoolExecutor(1) as pool:
        with Brake(database.connect()).standing(lambda: project.apply(split)) as run:
            write = pool.submit(writer.execute, meanwhile.statement)  # type: ignore[arg-type]  # constants of this file
            wait_until(
                lambda: write.done() or connection.execute(waits, (writer.info.backend_pid,)).fetchone() == (True,)
            )
        write.result()
    assert run.result() == "complete"
    assert both(connection, meanwhile.key) == meanwhile.expected
    assert connection.execute(DIFFERENT).fetchone() == (0,)
