"""Databases for single tests, copied from templates that are built once for the whole session."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


class Database:
    """A database of one test. `connect` hands out connections that are closed with it."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.url = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        self._connections: list[psycopg.Connection] = []

    def connect(self, **arguments: object) -> psycopg.Connection:
        """Return a new connection, in autocommit unless `arguments` say otherwise."""
        keywords = {"autocommit": True, **arguments}
        connection = psycopg.connect(self.url, **keywords)  # type: ignore[arg-type] # keywords of connect
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        while self._connections:
            self._connections.pop().close()


class Databases:
    """Makes and drops databases on the session's server.

    Names start with `prefix`, which no other session uses, so that a session on somebody's server can clean up after
    itself.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self._admin = psycopg.connect(url, autocommit=True)
        self._numbers = count(1)

    def create(self, template: str = "template0") -> Database:
        """Return a new database, a copy of `template`."""
        name = f"{self.prefix}_{os.getpid()}_{next(self._numbers)}"
        self._copy(template, name)
        return Database(self.url, name)

    def drop(self, database: Database) -> None:
        database.close()
        self._drop(database.name)

    def template(self, name: str, build: Callable[[Database], None]) -> str:
        """Return the name of the template `name`; the first caller of the session, in whichever worker, builds it."""
        full = f"{self.prefix}_template_{re.sub('[^a-z0-9]+', '_', name.lower())}"
        self._admin.execute("select pg_advisory_lock(hashtext(%s))", (full,))
        try:
            if not self._admin.execute("select 1 from pg_database where datname = %s", (full,)).fetchone():
                self._build(full, build)
        finally:
            self._admin.execute("select pg_advisory_unlock(hashtext(%s))", (full,))
        return full

    def close(self) -> None:
        self._admin.close()

    def drop_all(self) -> None:
        """Drop every database of the session, templates included."""
        pattern = self.prefix.replace("_", r"\_") + r"\_%"
        left = self._admin.execute("select datname from pg_database where datname like %s", (pattern,))
        for (name,) in left.fetchall():
            self._drop(name)

    def _build(self, full: str, build: Callable[[Database], None]) -> None:
        unfinished = self.create()
        try:
            build(unfinished)
        except BaseException:
            self.drop(unfinished)
            raise
        unfinished.close()
        rename = sql.SQL("alter database {} rename to {}").format(sql.Identifier(unfinished.name), sql.Identifier(full))
        # A session that `build` has closed may still be on its way out.
        sessions = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s"
        self._admin.execute(sessions, (unfinished.name,))
        self._admin.execute(rename)

    def _copy(self, template: str, name: str) -> None:
        statement = sql.SQL("create database {} template {}")
        self._admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        with suppress(psycopg.errors.InvalidCatalogName):
            self._admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


class Templates:
    """Databases that are built once in a session and copied by the tests that start from them."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def get(self, name: str, build: Callable[[Database], None]) -> str:
        """Return the name of the template, building it with `build` the first time."""
        return self._databases.template(name, build)
