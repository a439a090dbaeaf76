"""Puts itself between SQLAlchemy and the server: every statement, commit and rollback of one connection passes here.

SQLAlchemy's own events are used, on the Engine class, because `env.py` makes its engine by itself. What is done with a
statement is the handler's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool

from migrator.revisions.dialects import drivers_at_hand, is_verbatim
from migrator.revisions.driver import close, connection_of, libpq_arguments, remember
from migrator.revisions.errors import ProjectError
from migrator.revisions.raw import heard, listenable

# libpq's words for where a server is and who asks; the rest of what env.py passes to its driver stays.
_ADDRESS = ("host", "hostaddr", "port", "dbname", "database", "user", "password", "passfile", "service")


Send = Callable[[str], Any]


class Handler(Protocol):
    """Takes over what the adopted connection sends."""

    def execute(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        """Return True where the statement has been dealt with, by `send` or otherwise; False to let it pass.

        `send` sends a text in place of the statement, with the statement's parameters; `pyformat` tells whether a
        percent sign in it begins a parameter.
        """

    def elsewhere(self, statement: str, *, pyformat: bool) -> bool:
        """Return the same of what a revision is about to send over another connection than its own."""

    def before_commit(self, connection: Any) -> None:
        """Take note that the driver's connection is about to commit."""

    def after_rollback(self) -> None:
        """Take note that the open transaction is gone."""


class Interception:
    """The listeners, while installed. `adopt` names the connection that the revisions run on; others pass untouched."""

    def __init__(
        self,
        url: str | None,
        application: str,
        handler: Handler,
        adopted: Callable[[Any], None] = lambda _connection: None,
    ) -> None:
        self._announce = adopted
        self._url = url
        self._application = application
        self._handler = handler
        self._adopted: Any = None
        self._address: tuple[str | None, int | None, str | None] | None = None
        self._within = False
        """Whether a revision's function is running, and not the handler."""

    def adopt(self, connection: Connection) -> None:
        """Listen to this connection from now on.

        Raises:
            ProjectError: `env.py` has used another database before.
        """
        address = (connection.engine.url.host, connection.engine.url.port, connection.engine.url.database)
        if self._address not in (None, address):
            raise ProjectError(
                "env.py works on several databases in one run",
                notes=["nothing was run"],
                help="run migrator once for each, with a section for each in the ini file: --name SECTION",
            )
        self._address = address
        self._adopted = connection.connection.dbapi_connection
        self._announce(self._adopted)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Listen while the block runs."""
        listeners: Mapping[str, Callable[..., Any]] = {
            "do_connect": self._connect,
            "do_execute": self._execute,
            "do_execute_no_params": self._execute_no_params,
            "do_executemany": self._execute_many,
            "commit": self._commit,
            "rollback": self._rollback,
        }
        for name, listener in listeners.items():
            event.listen(Engine, name, listener)
        try:
            with _closing_connections(), drivers_at_hand(), _environment_variable("DATABASE_URL", self._url):
                yield
        finally:
            for name, listener in listeners.items():
                event.remove(Engine, name, listener)

    @contextmanager
    def revision(self) -> Iterator[None]:
        """Hear of everything that is sent while the block runs a revision's function, however it is sent."""
        with heard(self._adopted, self), self._being(within=True):
            yield

    def sent(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        """See `raw.Listener`."""
        return self._within and self._handled(cursor, statement, send, pyformat=pyformat)

    def committing(self) -> None:
        """See `raw.Listener`."""
        if self._within:
            with self._being(within=False):
                self._handler.before_commit(self._adopted)

    def rolled_back(self) -> None:
        """See `raw.Listener`."""
        if self._within:
            self._handler.after_rollback()

    @contextmanager
    def _being(self, *, within: bool) -> Iterator[None]:
        before, self._within = self._within, within
        try:
            yield
        finally:
            self._within = before

    def _connect(self, dialect: Any, _record: Any, arguments: list[Any], keywords: dict[str, Any]) -> None:
        if dialect.name != "postgresql":
            raise ProjectError(
                f"env.py connects to {dialect.name}, not to PostgreSQL",
                help="check sqlalchemy.url in the Alembic configuration, or give --database-url",
            )
        if dialect.driver != "psycopg2":
            known = libpq_arguments(keywords)
            keywords.clear()
            keywords.update(known)
        else:
            listenable(keywords)
        if self._url is not None:
            arguments.clear()
            for word in _ADDRESS:
                keywords.pop(word, None)
            keywords.update(conninfo_to_dict(self._url))
        keywords["application_name"] = self._application

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if is_verbatim(context, parameters):
            return self._execute_no_params(cursor, statement, context)
        return self._routed(cursor, statement, lambda text: cursor.execute(text, parameters), pyformat=True)

    def _execute_no_params(self, cursor: Any, statement: str, _context: Any) -> bool:
        return self._routed(cursor, statement, cursor.execute, pyformat=False)

    def _execute_many(self, cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        return self._routed(cursor, statement, lambda text: cursor.executemany(text, parameters), pyformat=True)

    def _routed(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        if self._is_ours(cursor):
            return self._handled(cursor, statement, send, pyformat=pyformat)
        return self._within and self._handler.elsewhere(statement, pyformat=pyformat)

    def _handled(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        with self._being(within=False):
            return self._handler.execute(cursor, statement, send, pyformat=pyformat)

    def _commit(self, connection: Connection) -> None:
        if self._is_ours(connection.connection.dbapi_connection, itself=True):
            with self._being(within=False):
                self._handler.before_commit(self._adopted)

    def _rollback(self, connection: Connection) -> None:
        # SQLAlchemy has let go of a connection that the server closed, and takes asking for it as an error.
        if not connection.invalidated and self._is_ours(connection.connection.dbapi_connection, itself=True):
            self._handler.after_rollback()

    def _is_ours(self, thing: Any, *, itself: bool = False) -> bool:
        return self._adopted is not None and (thing if itself else connection_of(thing)) is self._adopted


@contextmanager
def _closing_connections() -> Iterator[None]:
    """Close what env.py leaves open in its pools: the next try would wait for an advisory lock that is held there."""
    opened: list[Any] = []

    def note(connection: Any, _record: Any) -> None:
        opened.append(connection)
        remember(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in opened:
            close(connection)


@contextmanager
def _environment_variable(name: str, value: str | None) -> Iterator[None]:
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
