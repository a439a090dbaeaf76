"""The differences between the DBAPI drivers that a team's `env.py` may use; everything else treats them alike."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

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
        of_driver(error) and sqlstate(error) is None and type(error).__name__ in ("OperationalError", "InterfaceError")
    )


def of_driver(error: BaseException) -> bool:
    """Tell whether a driver raised an error, and not SQLAlchemy in its name."""
    return type(error).__module__.partition(".")[0] in ("psycopg", "psycopg2")


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
