"""The database that a command works on: opened, checked, and closed again with whatever was started for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    x: tuple[str, ...] = ()
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
        from migrator.revisions.plain_form import chosen_in  # noqa: PLC0415 - Alembic takes a second to import
        from migrator.revisions.project import Project  # noqa: PLC0415 - as above

        return Project(self.settings.alembic_ini, self.settings.alembic_name, self.x, chosen_in(self.settings.plain))

    @cached_property
    def asking(self) -> psycopg.Connection:
        """The connection for bookkeeping and questions."""
        return self.connect(self.command)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, brought up to date."""
        schema.ensure(self.asking)
        return Ledger(self.asking)

    @property
    def has_ledger(self) -> bool:
        """Whether this database has ever seen migrator; asking makes nothing."""
        return schema.version(self.asking) is not None

    @property
    def is_current(self) -> bool:
        """Whether the ledger is there in the form that this version knows."""
        return schema.version(self.asking) == schema.HEAD

    @cached_property
    def server_version(self) -> str:
        number = self.asking.info.server_version
        return f"{number // 10000}.{number % 10000}"

    def close(self) -> None:
        for connection in self._open:
            connection.close()


@contextmanager
def open_target(settings: Settings, *, command: str, x: tuple[str, ...] = ()) -> Iterator[Target]:
    """Open the database that the settings name, starting a private server where they say ``embedded:DIR``.

    Where they name none, it is the one that the Alembic project itself is configured for. `x` are its ``-x`` arguments.

    Raises:
        MissingSettingError, BadUrlError, LoginError, UnreachableError, ServerTooOldError
        What `postgres.server` raises where a private server cannot be started.
    """
    url = settings.database_url or _projects_own(settings, x)
    with ExitStack() as closing:
        if url.startswith(EMBEDDED):
            from migrator.postgres.server.embedded import embedded  # noqa: PLC0415 - only for private servers

            url = closing.enter_context(embedded(Path(url.removeprefix(EMBEDDED))))
        target = Target(settings, command, normalise(url), x)
        closing.callback(target.close)
        target.asking  # noqa: B018 - the first connection tells whether the rest makes sense
        yield target


def _projects_own(settings: Settings, x: tuple[str, ...]) -> str:
    if not settings.alembic_ini.is_file():
        return settings.require_database_url()
    from migrator.revisions.project import Project  # noqa: PLC0415 - Alembic takes a second to import
    from migrator.revisions.runner import configured_url  # noqa: PLC0415

    return configured_url(Project(settings.alembic_ini, settings.alembic_name, x))
