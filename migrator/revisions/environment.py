"""Runs a project's own `env.py`, unmodified, and hands its connection to the interception before Alembic uses it."""

from __future__ import annotations

import contextlib
import logging.config
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection, Transaction
from sqlalchemy.exc import SQLAlchemyError

from migrator.errors import MigratorError
from migrator.postgres.connect import sqlalchemy_url
from migrator.revisions.errors import ProjectError
from migrator.revisions.interception import Interception
from migrator.revisions.project import Project

Steps = Callable[[tuple[str, ...], MigrationContext], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Where the project keeps its version, and the heads found there. `table` is as `env.py` configured it."""

    table: str
    schema: str | None
    heads: tuple[str, ...]


def run_environment(
    project: Project, url: str | None, interception: Interception, steps: Steps, *, read_only: bool = False
) -> VersionTable:
    """Run `env.py`, which asks `steps` what to do with the heads it finds.

    Args:
        url: the target, in place of the one the project configures; None keeps the project's.
        steps: gets the current heads and the migration context; returns Alembic's migration steps.
        read_only: do not even create the version table.

    Raises:
        ProjectError: `env.py` cannot be used.
        Whatever a revision, the handler or the server raises.
    """
    found: list[VersionTable] = []

    def observe(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        found.append(VersionTable(context.version_table, context.version_table_schema, tuple(heads)))
        return steps(tuple(heads), context)

    config = project.config()
    if url is not None:
        config.set_main_option("sqlalchemy.url", sqlalchemy_url(url).replace("%", "%%"))
    environment = EnvironmentContext(config, project.scripts, fn=observe, as_sql=False, dont_mutate=read_only)
    try:
        with interception.installed(), quiet(), _noting_autobegin() as autobegun, environment:
            _adopting(environment, interception, autobegun)
            project.scripts.run_env()
    except MigratorError:
        raise
    except CommandError as error:
        raise ProjectError(f"Alembic: {error}") from error
    except Exception as error:
        own = _own_error(error)
        if own is not None:
            raise own from own.__cause__  # not from what wrapped it: that is made of it
        # What comes after the heads were found is a revision's, and what a driver says is about the server.
        if found or isinstance(error, (SQLAlchemyError, psycopg.Error)):
            raise
        raise project.file_error("env.py", error) from error
    if not found:
        raise ProjectError(
            f"the env.py of {project.ini} ran no migrations", help="does it call context.run_migrations()?"
        )
    return found[-1]


def _adopting(environment: EnvironmentContext, interception: Interception, autobegun: list[Transaction]) -> None:
    configure = environment.configure

    def adopt(connection: Connection | None = None, **options: Any) -> None:
        if connection is None:
            raise ProjectError("env.py gave Alembic no connection", help="migrator runs revisions online only")
        interception.adopt(connection)
        # A statement that env.py sent before this began a transaction that nobody would commit: Alembic would take it
        # for one of the caller's and, with it, lose everything. One that env.py began on purpose stays.
        if connection.get_transaction() in autobegun:
            connection.commit()
        options["transaction_per_migration"] = True
        configure(connection=connection, **options)

    environment.configure = adopt  # type: ignore[method-assign, assignment]  # seen by alembic.context once entered


def _own_error(error: BaseException) -> MigratorError | None:
    """Return the error of ours that env.py, or an extension of SQLAlchemy, has wrapped into one of its own."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, MigratorError):
        seen = seen.__cause__ or seen.__context__
    return seen


@contextlib.contextmanager
def _noting_autobegin() -> Iterator[list[Transaction]]:
    """Collect the transactions that SQLAlchemy begins by itself, for which nobody is waiting with a commit."""
    found: list[Transaction] = []
    original = Connection._autobegin  # noqa: SLF001 - no event tells one beginning from the other

    def autobegin(connection: Connection) -> None:
        original(connection)
        transaction = connection.get_transaction()
        if transaction is not None:
            found.append(transaction)

    Connection._autobegin = autobegin  # type: ignore[method-assign, assignment]  # noqa: SLF001
    try:
        yield found
    finally:
        Connection._autobegin = original  # type: ignore[method-assign]  # noqa: SLF001


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep env.py from setting up logging, and what revisions print away from our answers."""
    configured = logging.config.fileConfig, logging.config.dictConfig
    logging.config.fileConfig = logging.config.dictConfig = lambda *_, **__: None  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        logging.config.fileConfig, logging.config.dictConfig = configured
