"""Opens connections, with the session settings that migrator needs everywhere and errors a person can act on."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migrator.errors import RefusedError, UnavailableError, UsageError

OLDEST_SERVER = 140000
CONNECT_TIMEOUT = 10

# A dead client must not leave a statement running (14+); text forms of keys and intervals must not depend on the role.
_SESSION = """
    SET client_connection_check_interval = '1s'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
    SET extra_float_digits = 1; SET jit = off
"""


class BadUrlError(UsageError):
    """The database URL is not one.

    It must look like `postgresql://user@host:5432/database` or `embedded:DIR`. Set it with `--database-url`,
    `MIGRATOR_DATABASE_URL`, `DATABASE_URL` or `database_url` in the settings file.
    """

    code = "MG150"


class LoginError(UsageError):
    """The server answered and refused the user, the password or the database name.

    Check the URL. The password is never shown; a `~/.pgpass` file or `PGPASSWORD` works as with psql.
    """

    code = "MG151"


class ServerTooOldError(RefusedError):
    """The server is older than PostgreSQL 14.

    migrator relies on features that 14 brought: ctid range scans, DETACH PARTITION CONCURRENTLY, and noticing that a
    client is gone.
    """

    code = "MG311"


class UnreachableError(UnavailableError):
    """No PostgreSQL server could be reached at that address.

    Nothing was changed. Check that the server runs and that host and port are right, then run the same command again.
    """

    code = "MG201"


class ConnectionLostError(UnavailableError):
    """The server went away, or closed our connection, in the middle of a run.

    The ledger has everything that was committed; what was not committed was rolled back by the server. Run the same
    command again: it goes on behind the last committed chunk or statement.
    """

    code = "MG202"


def normalise(url: str) -> str:
    """Return `url` in the form libpq understands: without SQLAlchemy's driver suffix.

    Raises:
        BadUrlError: it is not a PostgreSQL URL or connection string.
    """
    text = re.sub(r"^postgres(?:ql)?(?:\+\w+)?://", "postgresql://", url.strip())
    try:
        if not text.startswith("postgresql://") and ("://" in text or "=" not in text):
            raise BadUrlError("the database URL does not begin with postgresql://", help=_URL_HELP)
        conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        raise BadUrlError("the database URL cannot be read", help=_URL_HELP) from error
    _refuse_plain_signs(text)
    return text


def _refuse_plain_signs(url: str) -> None:
    """Refuse a password with an @ or / in it: libpq would take its end for the host, and errors would show it."""
    path = url.partition("://")[2].partition("/")[2].partition("?")[0]
    if "@" in str(conninfo_to_dict(url).get("host") or "") or ("://" in url and "@" in path):
        raise BadUrlError(
            "the database URL has an @ or / where it must be encoded",
            help="in user and password write %40 for @, %2F for /, %3A for :, %3F for ?, %25 for %",
        )


_URL_HELP = "it looks like postgresql://user@host:5432/database, or embedded:DIR for a private server"


def display(url: str) -> str:
    """Return what may be shown of `url`: host, port and database, never user or password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def sqlalchemy_url(url: str, drivername: str = "postgresql+psycopg") -> str:
    """Return `url` as SQLAlchemy takes it, whatever form it came in."""
    if url.startswith("postgresql://"):
        return drivername + url.removeprefix("postgresql")
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    from urllib.parse import urlencode  # noqa: PLC0415 - only for keyword connection strings

    return f"{drivername}:///?{urlencode(parts)}"


def connect(url: str, *, application: str, autocommit: bool = True) -> psycopg.Connection:
    """Open a connection that `pg_stat_activity` shows as `application`.

    Raises:
        BadUrlError, LoginError, UnreachableError, ServerTooOldError
    """
    conninfo = normalise(url)
    defaults = {"connect_timeout": CONNECT_TIMEOUT, **conninfo_to_dict(conninfo)}
    try:
        connection = psycopg.connect(
            make_conninfo(conninfo, application_name=application, connect_timeout=defaults["connect_timeout"]),
            autocommit=True,
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise _translate(error, conninfo) from error
    if connection.info.server_version < OLDEST_SERVER:
        connection.close()
        raise ServerTooOldError(
            f"the server is PostgreSQL {connection.info.server_version // 10000}; migrator needs 14 or newer"
        )
    connection.execute(_SESSION)
    connection.autocommit = autocommit
    return connection


# libpq gives no SQLSTATE for a failed connection, so its text is all there is.
_LOGIN = re.compile(
    r"authentication failed|no password supplied|role .* does not exist|database .* does not exist|"
    r"no pg_hba.conf entry|permission denied for database"
)
_BAD_VALUE = re.compile(r"connection is bad: invalid|invalid port number|bad value for")


def _translate(error: psycopg.Error, conninfo: str) -> UsageError | UnavailableError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = re.sub(r"^(?:connection (?:to server .*? )?failed: |FATAL:  )+", "", lines[0] if lines else "no answer")
    where = display(conninfo)
    if _LOGIN.search(str(error)):
        return LoginError(
            f"{where} refused the connection", notes=[reason], help="check user, password and database name"
        )
    if _BAD_VALUE.search(str(error)):
        return BadUrlError("a part of the database URL is not valid", notes=[reason], help=_URL_HELP)
    parts = conninfo_to_dict(conninfo)
    address = "".join(f" -{flag} {parts[key]}" for flag, key in (("h", "host"), ("p", "port")) if parts.get(key))
    return UnreachableError(
        f"no server could be reached at {where}", notes=[reason], help=f"is it running? try: pg_isready{address}"
    )


def is_lost(error: BaseException) -> bool:
    """Tell whether `error` means that the connection is gone, not that the statement was wrong."""
    if isinstance(error, (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown, psycopg.errors.CannotConnectNow)):
        return True
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def connection_lost(error: BaseException) -> ConnectionLostError:
    """Return what to say of a driver's `error` about a connection that is gone."""
    return ConnectionLostError(
        "the server closed the connection",
        notes=[str(error).splitlines()[0], "what was committed is in the ledger; the rest was rolled back"],
        help="run the same command again; it goes on where this one stopped",
    )
