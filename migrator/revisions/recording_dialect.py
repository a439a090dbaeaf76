"""A SQLAlchemy dialect of PostgreSQL whose connection notes what it is sent, on empty tables; no driver, no server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Self

from sqlalchemy.dialects import registry

from migrator.revisions.empty_tables import answer
from migrator.revisions.known_schema import KnownSchema
from migrator.revisions.reflection import ReflectingDialect
from migrator.revisions.written_values import with_values

_READS = re.compile(r"\s*(?:SELECT|WITH|VALUES|SHOW|TABLE)\b|.*\bRETURNING\b", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(r"\bFROM\b", re.IGNORECASE)


@dataclass(slots=True)
class Noted:
    """One thing that was sent."""

    sql: str
    line: int
    autocommit: bool
    pyformat: bool
    told: tuple[str, str, str] | None = None
    """What `existing_type` says of a column, as (table, column, type) in SQL."""
    written: str = ""
    """The same with its parameters written out, to be judged and not to be shown; empty where that cannot be."""
    fetched: bool = False
    """Whether somebody looked for rows of it."""

    @property
    def reads_rows(self) -> bool:
        """Whether rows of tables were looked at, so that what follows may depend on them."""
        return self.fetched and bool(_FROM.search(self.sql)) and not self.sql.upper().startswith("INSERT")


class RecordingConnection:
    """Stands where a driver's connection would; SQLAlchemy asks no more of it."""

    def __init__(self) -> None:
        self.autocommit = False
        self._notes: list[Noted] | None = None
        self._file = ""
        self.told: tuple[str, str, str] | None = None

    def begin_notes(self, notes: list[Noted], file: str) -> None:
        """Note what is sent from now on, with the line of `file` that it comes from."""
        self._notes, self._file = notes, file

    def note(self, sql: str, rows: Sequence[Any] | None) -> Noted:
        """Note a statement with the parameters of each of its rounds; None for one that goes without."""
        written = with_values(sql, rows) if rows else ""
        noted = Noted(sql, self._line(), self.autocommit, rows is not None, self.told, written)
        if self._notes is not None:
            self._notes.append(noted)
        return noted

    def _line(self) -> int:
        frame = sys._getframe()  # noqa: SLF001 - the way to the call in the revision
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_filename == self._file:
                return frame.f_lineno
        return 0

    def cursor(self, *_arguments: Any, **_options: Any) -> _Cursor:
        return _Cursor(self)

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class _Cursor:
    """Takes every statement and finds every table empty."""

    arraysize = 1
    rowcount = 0
    lastrowid = None

    def __init__(self, connection: RecordingConnection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._noted: Noted | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def execute(self, sql: Any, parameters: Any = None) -> None:
        self._execute(_text(sql), None if parameters is None else [parameters])

    def executemany(self, sql: Any, rows: Any) -> None:
        self._execute(_text(sql), list(rows))

    def _execute(self, sql: str, rows: Sequence[Any] | None) -> None:
        self._noted = self.connection.note(sql, rows)
        if not _READS.match(sql):
            self.description, self._rows = None, []
            return
        names, self._rows = answer(sql)
        self.description = [(name, None, None, None, None, None, None) for name in names]

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchmany()), None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._rows))

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        if self._noted is not None:
            self._noted.fetched = True
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def close(self) -> None: ...


def _text(sql: Any) -> str:
    """Return what a driver's cursor would send: text, bytes, or what the driver composed of names and values."""
    if isinstance(sql, bytes):
        return sql.decode()
    text = sql if isinstance(sql, str) else sql.as_string(None)
    if not isinstance(text, str):
        raise TypeError(f"{type(sql).__name__} is nothing to send")
    return text


class RecordingDialect(ReflectingDialect):
    """PostgreSQL as SQLAlchemy writes it, of whatever version was asked for."""

    driver = "recording"
    supports_statement_cache = True
    default_paramstyle = "pyformat"

    def __init__(self, _recorded_version: int = 14, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects are not annotated
        self._recorded_version = _recorded_version
        self.known = KnownSchema(_recorded_version)

    @classmethod
    def import_dbapi(cls) -> Any:
        return SimpleNamespace(paramstyle="pyformat", Error=Exception)

    def create_connect_args(self, url: Any) -> Any:
        del url
        return [], {}

    def initialize(self, connection: Any) -> None:
        del connection
        self.server_version_info = (self._recorded_version, 0)
        self.default_schema_name = "public"
        self.default_isolation_level = "READ COMMITTED"

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        del dbapi_conn
        return ["AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        del dbapi_conn
        return "READ COMMITTED"

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        return "AUTOCOMMIT" if dbapi_connection.autocommit else "READ COMMITTED"

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        dbapi_connection.autocommit = level == "AUTOCOMMIT"


def register() -> None:
    """Make ``postgresql+recording://`` known to SQLAlchemy."""
    registry.register("postgresql.recording", __name__, "RecordingDialect")
