"""However a team's env.py comes by its connection: it works unmodified, or is refused before anything runs."""

from __future__ import annotations

import pytest

from migrator.revisions.errors import NotStampedError, ProjectError, RevisionFileError, StatementRefusedError
from tests.integration.histories.conftest import Move
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project

OWN_KEY = """
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine("postgresql+psycopg://nobody:secret@nowhere.invalid/own").connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
KEYWORDS = """
    from alembic import context
    from sqlalchemy import URL, create_engine

    url = URL.create("postgresql+psycopg", username="nobody", host="nowhere.invalid", database="own")
    arguments = {"connect_timeout": 5, "options": "-c lock_timeout=12345"}
    with create_engine(url, connect_args=arguments).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
OWN_TIMEOUTS = """
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        connection.execute(text("SET lock_timeout = '7s'"))
        connection.execute(text("SET statement_timeout = '7s'"))
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
SESSION_LOCK = """
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(42)"))
        try:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(42)"))
"""
TRANSACTION_LOCK = """
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.execute("SELECT pg_advisory_xact_lock(42)")
            context.run_migrations()
"""
LOCK_BESIDE = """
    from alembic import context
    from sqlalchemy import create_engine, text

    engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
    with engine.begin() as lock, engine.connect() as connection:
        lock.execute(text("SELECT pg_advisory_xact_lock(42)"))
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
BEGUN_AROUND = """
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine(context.config.get_main_option("sqlalchemy.url")).begin() as connection:
        context.configure(connection=connection)
        context.run_migrations()
"""
BEGUN_BY_HAND = """
    from alembic import context
    from sqlalchemy import create_engine

    connection = create_engine(context.config.get_main_option("sqlalchemy.url")).connect()
    transaction = connection.begin()
    try:
        context.configure(connection=connection)
        context.run_migrations()
        transaction.commit()
    except BaseException:
        transaction.rollback()
        raise
    finally:
        connection.close()
"""
PER_MIGRATION = """
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
"""
STATEMENT_BEFORE = """
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        connection.execute(text("SELECT current_user")).scalar()
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
AUTOCOMMIT = """
    from alembic import context
    from sqlalchemy import create_engine

    engine = create_engine(context.config.get_main_option("sqlalchemy.url"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
SERIALIZABLE = AUTOCOMMIT.replace("AUTOCOMMIT", "SERIALIZABLE")
ASYNCHRONOUS = """
    import asyncio

    from alembic import context
    from sqlalchemy.ext.asyncio import async_engine_from_config

    def work(connection):
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()

    async def main():
        section = {"sqlalchemy.url": "postgresql+asyncpg://nobody@nowhere.invalid/own?ssl=disable"}
        engine = async_engine_from_config(section, prefix="sqlalchemy.")
        async with engine.connect() as connection:
            await connection.run_sync(work)
        await engine.dispose()

    asyncio.run(main())
"""
ASYNCHRONOUS_BEGUN = ASYNCHRONOUS.replace("engine.connect()", "engine.begin()")
PSYCOPG2 = OWN_KEY.replace("+psycopg:", "+psycopg2:")
PG8000 = OWN_KEY.replace("+psycopg:", "+pg8000:")
DATABASE_URL = """
    import os

    from alembic import context
    from sqlalchemy import create_engine

    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    with create_engine(url).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
CALLBACKS = """
    from alembic import context
    from sqlalchemy import create_engine, text

    def applied(ctx, step, heads, run_args, **_):
        ctx.connection.execute(text("CREATE TABLE IF NOT EXISTS applied (step text)"))
        ctx.connection.execute(text("INSERT INTO applied VALUES (:step)"), {"step": step.up_revision_id})

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        context.configure(connection=connection, on_version_apply=applied)
        with context.begin_transaction():
            context.run_migrations()
"""
TWO_DATABASES = """
    from alembic import context
    from sqlalchemy import create_engine

    for name in ("one", "other"):
        with create_engine(f"postgresql+psycopg://nobody@nowhere.invalid/{name}").connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
"""
TENANTS = """
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        for tenant in ("blue", "green"):
            connection.execute(text(f"SET search_path TO {tenant}"))
            connection.commit()
            context.configure(connection=connection, version_table="versions", version_table_schema=tenant)
            with context.begin_transaction():
                context.run_migrations()
"""
TENANTS_UNCOMMITTED = TENANTS.replace("            connection.commit()\n", "")

TWO_DATABASES_IN_TURN = """
    from alembic import context
    from sqlalchemy import create_engine

    def work(name):
        with create_engine(f"postgresql+psycopg://nobody@nowhere.invalid/{name}").connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()

    work("one")
    work("other")
"""
SWALLOWED = """
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
        context.configure(connection=connection)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except Exception:
            pass
"""
WRAPPED = SWALLOWED.replace("except Exception:", "except Exception as error:").replace(
    "pass\n", "raise RuntimeError('no luck') from error\n"
)

ENVIRONMENTS = {
    "an address of its own": OWN_KEY,
    "an address in keywords": KEYWORDS,
    "timeouts of its own": OWN_TIMEOUTS,
    "a session lock": SESSION_LOCK,
    "a transaction lock": TRANSACTION_LOCK,
    "a lock on another connection": LOCK_BESIDE,
    "engine.begin around": BEGUN_AROUND,
    "a transaction begun by hand": BEGUN_BY_HAND,
    "a transaction per migration": PER_MIGRATION,
    "a statement before configure": STATEMENT_BEFORE,
    "autocommit": AUTOCOMMIT,
    "serializable": SERIALIZABLE,
    "asyncio": ASYNCHRONOUS,
    "asyncio, begun": ASYNCHRONOUS_BEGUN,
    "psycopg2": PSYCOPG2,
    "pg8000": PG8000,
    "DATABASE_URL": DATABASE_URL,
    "callbacks": CALLBACKS,
}


def built_online(project: Project) -> list[str]:
    return [event.sql for event in project.events if event.name == "statement" and event.online]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_works_as_it_is(
    environment: str, items: Project, database: Database, upgrade: Move, downgrade: Move
) -> None:
    items.env(ENVIRONMENTS[environment])
    assert upgrade(items) == ["items", "names"]
    connection = database.connect()
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("names",)]
    assert connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_name'::regclass"
    ).fetchone() == (True,)
    assert built_online(items) == ["CREATE INDEX CONCURRENTLY items_name ON items USING btree (name)"]
    assert upgrade(items) == []
    assert downgrade(items, "base") == ["names", "items"]
    assert connection.execute("SELECT to_regclass('items'), count(*) FROM alembic_version").fetchone() == (None, 0)
    held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    held += "WHERE d.datname = current_database() AND locktype = 'advisory'"
    # a server process may end a moment after its client
    wait_until(lambda: connection.execute(held).fetchone() == (0,))


@pytest.mark.parametrize("environment", [TWO_DATABASES, TWO_DATABASES_IN_TURN], ids=["in a loop", "in turn"])
def test_several_databases_in_one_environment_are_refused_before_anything_runs(
    environment: str, items: Project, database: Database, upgrade: Move
) -> None:
    items.env(environment)
    with pytest.raises(ProjectError, match="several databases"):
        upgrade(items)
    assert database.connect().execute("SELECT to_regclass('items'), to_regclass('alembic_version')").fetchone() == (
        None,
        None,
    )


@pytest.mark.parametrize("environment", [TENANTS, TENANTS_UNCOMMITTED], ids=["committed", "uncommitted"])
def test_each_schema_of_an_environment_has_its_own_version(
    environment: str, items: Project, database: Database, upgrade: Move, downgrade: Move
) -> None:
    connection = database.connect()
    connection.execute("CREATE SCHEMA blue; CREATE SCHEMA green")
    items.env(environment)
    assert upgrade(items) == ["items", "names", "items", "names"]
    for tenant in ("blue", "green"):
        assert connection.execute(f"SELECT version_num FROM {tenant}.versions").fetchall() == [("names",)]
        assert connection.execute(
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{tenant}.items_name'::regclass"
        ).fetchone() == (True,)
    assert len(built_online(items)) == 2
    downgrade(items, "base")
    assert connection.execute("SELECT to_regclass('blue.items'), to_regclass('green.items')").fetchone() == (None, None)


def test_an_environment_that_swallows_the_errors_of_a_revision_cannot_look_successful(
    project: Project, upgrade: Move
) -> None:
    project.sql_revision("wrong", ["CREATE TABLE fine (id int)", "CREATE TABLE wrong (id nonsense)"], [])
    project.env(SWALLOWED)
    with pytest.raises(NotStampedError):
        upgrade(project)


def test_a_refusal_that_an_environment_wraps_stays_a_refusal(items: Project, upgrade: Move) -> None:
    items.sql_revision("rewrite", ["ALTER TABLE items ALTER COLUMN id TYPE bigint"], [])
    items.env(WRAPPED)
    with pytest.raises(StatementRefusedError):
        upgrade(items)
    items.events.clear()


def test_the_address_of_the_project_itself_is_used_where_none_is_given(
    items: Project, database: Database, upgrade: Move
) -> None:
    items.env(
        OWN_KEY.replace(
            "postgresql+psycopg://nobody:secret@nowhere.invalid/own",
            database.url.replace("postgresql:", "postgresql+psycopg:"),
        )
    )
    items.url = ""
    assert items.run("upgrade", "head").returncode == 0
    assert database.connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("names",)]


def test_arguments_for_the_environment_and_a_section_of_the_ini_file_reach_it(
    items: Project, database: Database
) -> None:
    items.env(
        """
        from alembic import context
        from sqlalchemy import create_engine

        given = context.get_x_argument(as_dictionary=True)
        key = context.config.get_main_option("own.key")
        with create_engine("postgresql+psycopg://").connect() as connection:
            context.configure(connection=connection, version_table=f"{key}_{given['tenant']}_{given['more']}")
            with context.begin_transaction():
                context.run_migrations()
        """
    )
    with (items.folder / "alembic.ini").open("a") as ini:
        ini.write("\n[other]\nscript_location = %(here)s\npath_separator = os\nown.key = versions\n")
    done = items.run("upgrade", "head", "--name", "other", "-x", "tenant=blue", "-x", "more=1")
    assert done.returncode == 0, done.stderr
    assert database.connect().execute("SELECT version_num FROM versions_blue_1").fetchall() == [("names",)]


def test_a_per_cent_sign_means_nothing_in_what_was_written_for_asyncpg(items: Project, upgrade: Move) -> None:
    items.revision(
        "percent",
        """
        bind = op.get_bind()
        bind.exec_driver_sql("UPDATE items SET name = '50%'")
        bind.exec_driver_sql("DO $$ BEGIN EXECUTE format('DROP INDEX %I', 'items_name'); END $$")
        assert bind.exec_driver_sql("SELECT count(*) FROM items WHERE name LIKE '5%'").scalar() == 2
        query = sa.text("SELECT count(*) FROM items WHERE name LIKE '%' || :end")
        assert bind.execute(query, {"end": "%"}).scalar() == 2
        """,
        "pass",
    )
    items.env(ASYNCHRONOUS)
    assert upgrade(items)[-1] == "percent"


def test_what_a_driver_has_against_a_statement_is_no_lost_connection(items: Project, upgrade: Move) -> None:
    items.revision("percent", """op.get_bind().exec_driver_sql("UPDATE items SET name = '50%'")""", "pass")
    with pytest.raises(RevisionFileError, match="placeholders"):
        upgrade(items)
