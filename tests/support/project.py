"""A small Alembic project with plans, written from strings into a folder of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import dedent, indent

from migrator.engine import approvals, run
from migrator.engine.events import Event
from migrator.engine.repair import repair
from migrator.engine.stop import Stop
from migrator.engine.target import Target, open_target
from migrator.plan import Phase, Plan, load_plan
from migrator.settings import Settings, load_settings
from tests.support.cli import CliProcess, run_cli, start_cli

INI = """\
[alembic]
script_location = %(here)s
path_separator = os
sqlalchemy.url = postgresql+psycopg://nobody@nowhere.invalid/nothing
"""
ENV = """\
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = '''\
"""{revision}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''


class Project:
    """An Alembic project in `folder` for the database at `url`; revisions follow each other as they are written.

    `settings` hold what tests of one kind all want, such as a short ``lock_wait``.
    """

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        self.folder = folder
        self.url = url
        self.events: list[Event] = []
        """What the runs in this process have emitted."""
        self._head: str | None = None
        self._settings = settings
        (folder / "versions").mkdir()
        (folder / "plans").mkdir()
        (folder / "migrator.toml").write_text('alembic_ini = "alembic.ini"\nplans = "plans"\n')
        (folder / "alembic.ini").write_text(INI)
        self.env(ENV)

    def env(self, text: str) -> None:
        """Make this the project's `env.py`."""
        (self.folder / "env.py").write_text(dedent(text))

    def revision(self, revision: str, upgrade: str, downgrade: str) -> None:
        """Write a revision behind the last one, its two functions given as Python."""
        self.rewrite(revision, self._head, upgrade, downgrade)
        self._head = revision

    def rewrite(self, revision: str, down: str | None, upgrade: str, downgrade: str) -> None:
        """Write the file of a revision, or write it anew."""
        body = REVISION.format(revision=revision, down=down, upgrade=_indented(upgrade), downgrade=_indented(downgrade))
        (self.folder / "versions" / f"{revision}.py").write_text(body)

    def sql_revision(self, revision: str, upgrade: list[str], downgrade: list[str]) -> None:
        """Write a revision behind the last one that sends these statements."""
        self.revision(revision, _executed(upgrade), _executed(downgrade))

    def plan(self, name: str, text: str) -> Plan:
        """Write the plan `name` and return it as it is read back."""
        path = self.folder / "plans" / f"0001_{name.replace('-', '_')}.yaml"
        path.write_text(f"plan: {name}\n{dedent(text)}")
        return load_plan(path)

    def settings(self, **settings: str) -> Settings:
        return load_settings({"database_url": self.url, **self._settings, **settings}, environ={}, cwd=self.folder)

    @contextmanager
    def target(self, command: str = "apply", **settings: str) -> Iterator[Target]:
        with open_target(self.settings(**settings), command=command) as target:
            yield target

    def apply(
        self,
        plan: Plan,
        *,
        to: Phase | None = None,
        stop: Stop | None = None,
        accept_drift: bool = False,
        **settings: str,
    ) -> str:
        """Apply `plan` in this process and return the state it came to rest in."""
        with self.target(**settings) as target:
            return run.apply(
                target, plan, to=to, emit=self.events.append, stop=stop or Stop(), accept_drift=accept_drift
            )

    def backfill(
        self,
        plan: Plan,
        *,
        stop: Stop | None = None,
        workers: int | None = None,
        engine: str = "local",
        accept_drift: bool = False,
        **settings: str,
    ) -> str:
        """Run the backfill steps of `plan`, led by this process."""
        with self.target("backfill", **settings) as target:
            return run.backfill(
                target,
                plan,
                emit=self.events.append,
                stop=stop or Stop(),
                workers=workers,
                engine=engine,
                accept_drift=accept_drift,
            )

    def retry_failed(self, plan: Plan) -> str:
        """Take up the rows of `plan` that were set aside."""
        with self.target("backfill") as target:
            return run.retry_failed(target, plan, emit=self.events.append, stop=Stop())

    def repair(self, plan: Plan) -> int:
        """Put right what the verify steps of `plan` find wrong; return how many rows were written."""
        with self.target("verify") as target:
            return repair(target, plan, emit=self.events.append, stop=Stop())

    def rollback(self, plan: Plan, *, to: str = "start", accept_drift: bool = False, **settings: str) -> str:
        """Roll `plan` back in this process."""
        with self.target("rollback", **settings) as target:
            return run.rollback(target, plan, to=to, emit=self.events.append, stop=Stop(), accept_drift=accept_drift)

    def approve(self, plan: Plan) -> None:
        """Approve the next gate of `plan`."""
        with self.target("approve") as target:
            approvals.approve(target, plan, by="tester", note="")

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run `migrator ARGS` in the project's folder to its end."""
        return run_cli(args, cwd=self.folder, env={"DATABASE_URL": self.url})

    def start(self, *args: str) -> AbstractContextManager[CliProcess]:
        """Start `migrator ARGS` in the project's folder."""
        return start_cli(args, cwd=self.folder, env={"DATABASE_URL": self.url})


def _executed(statements: list[str]) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements) or "pass"


def _indented(text: str) -> str:
    return indent(dedent(text).strip(), "    ")
