"""What SQLAlchemy makes of the drivers that a team's `env.py` names, and how the dialect of one stands for another."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, ResourceClosedError

from migrator.revisions.driver import is_cut_off, of_driver, sqlstate


def lacks_rows(error: BaseException) -> bool:
    """Tell whether an error came of fetching rows where a statement was not run."""
    own = getattr(error, "orig", None) or error
    raised = isinstance(error, ResourceClosedError | DBAPIError) or of_driver(error)
    return raised and sqlstate(own) is None and not is_cut_off(own)


class _InPlaceOfAsyncpg(PGDialect_psycopg):
    """psycopg 3 for a project that was written for asyncpg."""

    supports_statement_cache = True

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, None if is_verbatim(context, parameters) else parameters)

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> Any:
        del url
        return _AsynchronousInPlaceOfAsyncpg


class _AsynchronousInPlaceOfAsyncpg(_InPlaceOfAsyncpg, PGDialectAsync_psycopg):
    """The same for its asynchronous engines."""

    supports_statement_cache = True


def is_verbatim(context: Any, parameters: Any) -> bool:
    """Tell whether a statement is to reach the server as it is: to asyncpg a `%` means nothing, to psycopg it does."""
    verbatim = not parameters and context is not None and context.compiled is None
    return verbatim and isinstance(context.dialect, _InPlaceOfAsyncpg)


@contextmanager
def drivers_at_hand() -> Iterator[None]:
    """Let SQLAlchemy use psycopg 3 for PostgreSQL URLs that name a driver which is not installed, or not libpq's.

    asyncpg and pg8000 have protocols of their own, without the means to cancel and to share a connection string. A
    project that names them loses nothing: psycopg 3 is a driver for both kinds of engine.
    """
    original = URL._get_entrypoint  # noqa: SLF001 - where every engine chooses its dialect

    def choose(url: URL) -> Any:
        backend, _, driver = url.drivername.partition("+")
        if backend not in ("postgresql", "postgres") or _usable(driver):
            return original(url)
        return _InPlaceOfAsyncpg if driver == "asyncpg" else PGDialect_psycopg

    URL._get_entrypoint = choose  # type: ignore[method-assign, assignment]  # noqa: SLF001
    try:
        yield
    finally:
        URL._get_entrypoint = original  # type: ignore[method-assign]  # noqa: SLF001


def _usable(driver: str) -> bool:
    if driver in ("psycopg", "psycopg_async"):
        return True
    return driver == "psycopg2" and importlib.util.find_spec("psycopg2") is not None
