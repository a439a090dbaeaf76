"""What an index that is there already means: ours to finish, the same as ours, or somebody else's."""

from __future__ import annotations

import psycopg
import pytest

from migrator.plan import Plan
from migrator.revisions.builds import ForeignIndexError, OtherIndexError
from migrator.revisions.errors import StatementFailedError
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

PLAN = "expand: [revision: r1]"
OLD_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT"
CREATE = "CREATE INDEX items_amount ON items (amount)"
CREATE_IF_NOT_EXISTS = "CREATE INDEX IF NOT EXISTS items_amount ON items (amount)"

pytestmark = pytest.mark.usefixtures("items")


def plan(project: Project, statement: str) -> Plan:
    project.sql_revision("r1", [statement], ["DROP INDEX items_amount"])
    return project.plan("indexing", PLAN)


def index(connection: psycopg.Connection) -> tuple[object, ...] | None:
    query = (
        "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = to_regclass('items_amount')"
    )
    return connection.execute(query).fetchone()


def leave_invalid(database: Database, statement: str) -> None:
    """Let a concurrent build of `statement` fail, as somebody's own script may have done."""
    with database.connect(autocommit=False) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT")
        builder = database.connect(options="-c statement_timeout=300ms")
        with pytest.raises(psycopg.errors.QueryCanceled):
            builder.execute(statement)  # type: ignore[arg-type]  # constants of this file


@pytest.mark.parametrize("statement", [CREATE, CREATE_IF_NOT_EXISTS, CREATE.replace("INDEX", "INDEX CONCURRENTLY")])
def test_an_invalid_index_of_the_same_definition_is_rebuilt(
    connection: psycopg.Connection, project: Project, database: Database, statement: str
) -> None:
    leave_invalid(database, "CREATE INDEX CONCURRENTLY items_amount ON items (amount)")
    assert index(connection) == (False, "CREATE INDEX items_amount ON public.items USING btree (amount)")
    script = statement
    if "CONCURRENTLY" in statement:
        project.revision(
            "r1", f"with op.get_context().autocommit_block():\n    op.execute({statement!r})", "op.execute('SELECT 1')"
        )
        applied = project.plan("indexing", PLAN)
    else:
        applied = plan(project, script)
    assert project.apply(applied) == "complete"
    assert index(connection) == (True, "CREATE INDEX items_amount ON public.items USING btree (amount)")


@pytest.mark.parametrize("statement", [CREATE, CREATE_IF_NOT_EXISTS])
def test_an_invalid_index_of_another_definition_is_left_alone(
    connection: psycopg.Connection, project: Project, database: Database, statement: str
) -> None:
    leave_invalid(database, "CREATE INDEX CONCURRENTLY items_amount ON items (amount, id)")
    before = index(connection)
    other = plan(project, statement)
    for _ in range(2):  # having tried does not make it ours
        with pytest.raises(ForeignIndexError) as refused:
            project.apply(other)
        assert (refused.value.code, refused.value.exit_code) == ("MG326", 5)
        assert "DROP INDEX CONCURRENTLY" in refused.value.help
        assert index(connection) == before


def test_an_index_that_somebody_is_building_right_now_is_left_alone(
    connection: psycopg.Connection, project: Project, database: Database
) -> None:
    building = "CREATE INDEX CONCURRENTLY items_amount ON items (amount)"
    with blocker(database.url, OLD_SNAPSHOT) as old:
        other = database.connect()
        with in_background(lambda: other.execute(building)):
            wait_until(lambda: index(connection) is not None, message="a build that has begun")
            with pytest.raises(ForeignIndexError, match="does not build") as refused:
                project.apply(plan(project, CREATE))
            assert any("building it right now" in note for note in refused.value.notes)
            old.commit()
    assert index(connection) == (True, "CREATE INDEX items_amount ON public.items USING btree (amount)")


def test_a_valid_index_of_the_same_definition_satisfies_if_not_exists(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute(CREATE)  # type: ignore[arg-type]  # a constant of this file
    number = connection.execute("SELECT 'items_amount'::regclass::oid").fetchone()
    assert project.apply(plan(project, CREATE_IF_NOT_EXISTS)) == "complete"
    assert connection.execute("SELECT 'items_amount'::regclass::oid").fetchone() == number


def test_a_valid_index_of_another_definition_does_not_satisfy_if_not_exists(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("CREATE INDEX items_amount ON items (amount, id)")
    with pytest.raises(OtherIndexError) as refused:
        project.apply(plan(project, CREATE_IF_NOT_EXISTS))
    assert refused.value.exit_code == 5
    assert any("(amount, id)" in note for note in refused.value.notes)


def test_a_valid_index_of_that_name_is_an_error_as_it_is_to_alembic(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute(CREATE)  # type: ignore[arg-type]  # a constant of this file
    with pytest.raises(StatementFailedError, match="already exists"):
        project.apply(plan(project, CREATE))
