"""The differences between the DBAPI drivers that a team's `env.py` may use; everything else treats them alike."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, ResourceClosedError

_LIBPQ = ("psycopg", "psycopg_async", "psycopg2")
_OWN = ("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory")


# The synchronous face that SQLAlchemy gives an asynchronous connection, by that connection: the cursors of SQLAlchemy
# 2.0 know the latter only.
_FACES: dict[Any, Any] = {}


def remember(connection: Any) -> None:
    """Let `connection_of` find this connection, should it be the face of an asynchronous one; until it is closed."""
    behind = getattr(connection, "driver_connection", None)
    if isinstance(behind, psycopg.AsyncConnection):
        _FACES[behind] = connection


def connection_of(cursor: Any) -> Any:
    """Return the driver's connection that `cursor` belongs to; SQLAlchemy's asynchronous cursors hide it."""
    own = getattr(cursor, "connection", None) or cursor._adapt_connection  # noqa: SLF001 - no public way
    return _FACES.get(own, own)


def backend_pid(connection: Any) -> int:
    """Return the server process of a connection."""
    info = getattr(connection, "info", None)
    return int(info.backend_pid if info is not None else connection.get_backend_pid())


def in_transaction(connection: Any) -> bool:
    info = getattr(connection, "info", None)
    status = info.transaction_status if info is not None else connection.get_transaction_status()
    return int(status) != 0


def cancel(connection: Any) -> None:
    """Cancel what the connection runs now; may be called from a signal handler."""
    getattr(connection, "_connection", connection).cancel()


def close(connection: Any) -> None:
    """Close the connection, even an asynchronous one whose event loop is gone."""
    own = getattr(connection, "driver_connection", connection)
    _FACES.pop(own, None)
    if isinstance(own, psycopg.AsyncConnection):
        own.pgconn.finish()
    else:
        own.close()


def conninfo_of(connection: Any) -> str:
    """Return a connection string that leads to the same database, password included: never show it."""
    info = connection.info
    if isinstance(info, psycopg.ConnectionInfo):
        return make_conninfo(info.dsn, password=info.password or None)
    return make_conninfo(**{**info.dsn_parameters, "password": info.password or None})


def sqlstate(error: BaseException) -> str | None:
    """Return the five characters by which PostgreSQL names an error, whichever driver raised it."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def is_cut_off(error: BaseException) -> bool:
    """Tell whether a driver says that it has lost the server: such errors come from no server, so they have no code."""
    return (
        _of_driver(error) and sqlstate(error) is None and type(error).__name__ in ("OperationalError", "InterfaceError")
    )


def lacks_rows(error: BaseException) -> bool:
    """Tell whether an error came of fetching rows where a statement was not run."""
    own = getattr(error, "orig", None) or error
    raised = isinstance(error, ResourceClosedError | DBAPIError) or _of_driver(error)
    return raised and sqlstate(own) is None and not is_cut_off(own)


def _of_driver(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("psycopg", "psycopg2")


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


def libpq_arguments(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the connect arguments that libpq knows, with what other drivers call differently translated."""
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()} | set(_OWN)
    translated = {word: value for word, value in keywords.items() if word in known}
    settings = keywords.get("server_settings") or {}
    if settings:
        options = " ".join(f"-c {name}={str(value).replace(' ', chr(92) + ' ')}" for name, value in settings.items())
        translated["options"] = f"{translated.get('options', '')} {options}".strip()
    if "ssl" in keywords and "sslmode" not in translated:
        translated["sslmode"] = str(keywords["ssl"]) if isinstance(keywords["ssl"], str) else "require"
    return translated


def speaks_libpq(driver: str) -> bool:
    """Tell whether a dialect's driver takes libpq's connect arguments."""
    return driver in _LIBPQ
