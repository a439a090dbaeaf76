"""Sees what a revision sends past SQLAlchemy: through the driver's own cursors, its COPY, and its own commits.

The objects that the driver has made stay the same; while a revision runs, their classes are subclasses whose methods
ask a listener first. That serves psycopg 3, psycopg 2 and the face that SQLAlchemy gives an asynchronous psycopg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from migrator.revisions.driver import connection_of
from migrator.sql.names import quote


class Listener(Protocol):
    """Hears of the raw use of a connection."""

    def sent(self, cursor: Any, statement: str, send: Callable[[str], Any], *, pyformat: bool) -> bool:
        """Return True where the statement has been dealt with, by `send` or otherwise; False to let it pass."""

    def committing(self) -> None:
        """Take note that the connection is about to commit."""

    def rolled_back(self) -> None:
        """Take note that the open transaction is gone."""


# By the connection's identity, while a revision runs on it: SQLAlchemy's asynchronous face has no room of its own.
_LISTENERS: dict[int, Listener] = {}


@contextmanager
def heard(connection: Any, listener: Listener) -> Iterator[None]:
    """Let `listener` hear of all that is sent through the driver's `connection` while the block runs."""
    own: Any = type(connection)
    connection.__class__ = _heard_connection(own)
    _LISTENERS[id(connection)] = listener
    try:
        yield
    finally:
        del _LISTENERS[id(connection)]
        connection.__class__ = own


def listenable(keywords: dict[str, Any]) -> None:
    """Have psycopg 2 connect by a class written in Python: an object's class can be changed between such only."""
    keywords.setdefault("connection_factory", type("connection", (_psycopg2("connection"),), {}))


@cache
def _heard_connection(own: Any) -> Any:
    class Heard(own):  # type: ignore[misc]
        __slots__ = ()

        def cursor(self, *arguments: Any, **keywords: Any) -> Any:
            if _is_psycopg2(own):  # its cursors are written in C, and stay of the class they are made of
                chosen = keywords.get("cursor_factory") or self.cursor_factory or _psycopg2("cursor")
                return super().cursor(*arguments, **{**keywords, "cursor_factory": _heard_cursor(chosen)})
            cursor = super().cursor(*arguments, **keywords)
            made: Any = type(cursor)
            cursor.__class__ = _heard_cursor(made)
            return cursor

        def commit(self) -> None:
            if id(self) in _LISTENERS:
                _LISTENERS[id(self)].committing()
            super().commit()

        def rollback(self) -> None:
            super().rollback()
            if id(self) in _LISTENERS:
                _LISTENERS[id(self)].rolled_back()

    return Heard


@cache
def _heard_cursor(own: Any) -> Any:
    """Return the subclass of a cursor's class; of its methods only those are called that its driver knows."""

    class Heard(own):  # type: ignore[misc]
        __slots__ = ()

        def execute(self, query: Any, *arguments: Any, **keywords: Any) -> Any:
            _through(self, super().execute, query, arguments, keywords)
            return self

        def executemany(self, query: Any, *arguments: Any, **keywords: Any) -> Any:
            _through(self, super().executemany, query, arguments, keywords)

        def callproc(self, name: str, *arguments: Any) -> Any:
            answers: list[Any] = []
            call = super().callproc
            _through(self, lambda _: answers.append(call(name, *arguments)), f"SELECT * FROM {name}()", (), {})
            return next(iter(answers), None)

        def stream(self, query: Any, *arguments: Any, **keywords: Any) -> Iterator[Any]:
            rows: list[Any] = []
            stream = super().stream

            def send(text: str, *given: Any, **named: Any) -> None:
                rows.extend(stream(text, *given, **named))

            _through(self, send, query, arguments, keywords)
            yield from rows

        @contextmanager
        def copy(self, statement: Any, *arguments: Any, **keywords: Any) -> Iterator[Any]:
            copy, opened = super().copy, list[Any]()
            with ExitStack() as stack:

                def send(text: str, *given: Any, **named: Any) -> None:
                    opened.append(stack.enter_context(copy(text, *given, **named)))

                _through(self, send, statement, arguments, keywords)
                yield opened[0] if opened else _Nowhere()

        def copy_expert(self, sql: Any, file: Any, *arguments: Any) -> None:
            expert = super().copy_expert
            _through(self, lambda text: expert(text, file, *arguments), sql, (), {})

        def copy_from(self, file: Any, table: str, *arguments: Any, **keywords: Any) -> None:
            copy = super().copy_from
            sql = f"COPY {quote(table)} FROM STDIN"
            _through(self, lambda _: copy(file, table, *arguments, **keywords), sql, (), {})

    return Heard


def _through(
    cursor: Any, send: Callable[..., Any], query: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Send `query`, unless the listener deals with it."""
    connection = connection_of(cursor)
    listener = _LISTENERS.get(id(connection))
    if listener is None:
        send(query, *arguments, **keywords)
        return
    text = _text(query, connection)
    parameters = arguments[0] if arguments else keywords.get("params", keywords.get("vars"))
    if not listener.sent(
        cursor, text, lambda other: send(other, *arguments, **keywords), pyformat=parameters is not None
    ):
        send(query, *arguments, **keywords)


def _text(query: Any, connection: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return str(query.as_string(connection)) if hasattr(query, "as_string") else str(query)


def _is_psycopg2(own: type[Any]) -> bool:
    return any(base.__module__.startswith("psycopg2") for base in own.__mro__)


def _psycopg2(name: str) -> Any:
    return getattr(import_module("psycopg2.extensions"), name)  # only there where a project uses it


class _Nowhere:
    """A COPY whose rows an earlier attempt has committed already."""

    def write(self, buffer: Any) -> None: ...

    def write_row(self, row: Iterable[Any]) -> None: ...

    def set_types(self, types: Iterable[Any]) -> None: ...
