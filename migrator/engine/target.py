"""The database that a command works on: opened, checked, and closed again with whatever was started for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from migrator.ledger import schema
from migrator.ledger.ledger import Ledger
from migrator.postgres.connect import connect, display, normalise
from migrator.settings import EMBEDDED, Settings

if TYPE_CHECKING:
    from migrator.revisions.project import Project


@dataclass
class Target:
    """One database and the settings of the command. `url` may hold a password and is never shown."""

    settings: Settings
    command: str
    url: str = field(repr=False)
    _open: list[psycopg.Connection] = field(default_factory=list, repr=False)

    @property
    def shown(self) -> str:
        """The database as it may be shown."""
        return display(self.url)

    def connect(self, purpose: str) -> psycopg.Connection:
        """Open a connection that is closed with the target. `purpose` is seen in pg_stat_activity."""
        connection = connect(self.url, application=f"migrator {purpose}")
        self._open.append(connection)
        return connection

    @cached_property
    def project(self) -> Project:
        """The team's Alembic project."""
        from migrator.revisions.project import Project  # noqa: PLC0415 - Alembic takes a second to import

        return Project(self.settings.alembic_ini, self.settings.alembic_name)

    @cached_property
    def asking(self) -> psycopg.Connection:
        """The connection for bookkeeping and questions."""
        return self.connect(self.command)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, brought up to date."""
        schema.ensure(self.asking, lambda: connect(self.url, application="migrator ledger", autocommit=False))
        return Ledger(self.asking)

    @property
    def has_ledger(self) -> bool:
        """Whether this database has ever seen migrator; asking makes nothing."""
        return schema.version(self.asking) is not None

    @cached_property
    def server_version(self) -> str:
        number = self.asking.info.server_version
        return f"{number // 10000}.{number % 10000}"

    def close(self) -> None:
        for connection in self._open:
            connection.close()


@contextmanager
def open_target(settings: Settings, *, command: str) -> Iterator[Target]:
    """Open the database that the settings name, starting a private server where they say ``embedded:DIR``.

    Raises:
        MissingSettingError, BadUrlError, LoginError, UnreachableError, ServerTooOldError
        What `postgres.server` raises where a private server cannot be started.
    """
    url = settings.require_database_url()
    if not url.startswith(EMBEDDED):
        with _opened(settings, command, normalise(url)) as target:
            yield target
        return
    from migrator.postgres.server.embedded import embedded  # noqa: PLC0415 - only for private servers

    with (
        embedded(Path(re.sub(f"^{EMBEDDED}", "", url))) as private,
        _opened(settings, command, private) as target,
    ):
        yield target


@contextmanager
def _opened(settings: Settings, command: str, url: str) -> Iterator[Target]:
    target = Target(settings, command, url)
    try:
        target.asking  # noqa: B018 - the first connection tells whether the rest makes sense
        yield target
    finally:
        target.close()
