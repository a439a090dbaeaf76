"""The same project run by Alembic alone and by migrator, on two databases that must end up alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

from alembic import command
from alembic.config import Config

from migrator.postgres.server.binaries import Binaries
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.dump import dump_schema
from tests.support.project import Project


@dataclass
class Twin:
    """A project whose own database is migrator's; `plain` is Alembic's."""

    project: Project
    online: Database
    plain: Database
    binaries: Binaries
    move: dict[str, Callable[..., list[str]]] = field(repr=False)

    def upgrade(self, revision: str = "head") -> None:
        """Upgrade both and compare them."""
        self._both("upgrade", revision)

    def downgrade(self, revision: str) -> None:
        """Downgrade both and compare them."""
        self._both("downgrade", revision)

    def alembic(self, direction: str, revision: str) -> None:
        """Run Alembic alone, on its database."""
        config = Config(str(self.project.folder / "alembic.ini"), stdout=io.StringIO())
        config.set_main_option("sqlalchemy.url", self.plain.url.replace("postgresql:", "postgresql+psycopg:"))
        getattr(command, direction)(config, revision)

    @property
    def sent(self) -> list[str]:
        """What migrator sent in an online form."""
        return [event.sql for event in self.project.events if event.name == "statement" and event.online]

    def _both(self, direction: str, revision: str) -> None:
        self.alembic(direction, revision)
        self.move[direction](self.project, revision)
        self.compare()

    def compare(self) -> None:
        """Compare schemas byte for byte, and rows, among them the versions."""
        dumps = [dump_schema(database.url, self.binaries) for database in (self.plain, self.online)]
        assert dumps[1] == dumps[0]
        rows = [content_of(database.connect()) for database in (self.plain, self.online)]
        assert rows[1] == rows[0]
        version = "SELECT to_regclass('alembic_version')"
        if self.plain.connect().execute(version).fetchone() != (None,):
            heads = "SELECT version_num FROM alembic_version ORDER BY 1"
            assert self.online.connect().execute(heads).fetchall() == self.plain.connect().execute(heads).fetchall()
