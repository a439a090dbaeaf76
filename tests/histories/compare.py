"""Runs one history with both tools on databases of their own and compares the schemas after each stage."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from migrator.postgres.server.binaries import Binaries
from tests.histories.installed import ROOT, Installed
from tests.support.databases import Database, Databases
from tests.support.dump import dump_schema


class Comparison:
    """One history on the server at `url`."""

    def __init__(self, installed: Installed, url: str, binaries: Binaries) -> None:
        self._installed = installed
        self._server = url
        self._binaries = binaries
        self._same = True

    def run(self) -> bool:
        """Go up, down and up again on empty databases, then up with rows in all tables; return whether all is equal."""
        databases = Databases(self._server, f"history_{self._installed.history.name.replace('-', '_')}")
        try:
            self._empty(*self._started(databases))
            self._populated(*self._started(databases))
        finally:
            databases.drop_all()
            databases.close()
        return self._same

    def _started(self, databases: Databases) -> list[Database]:
        made = [databases.create(), databases.create()]
        for database in made:
            self._installed.start(database.url)
        return made

    def _empty(self, one: Database, other: Database) -> None:
        for stage in ("up", "down", "up again"):
            if stage == "down":
                self._show(stage, self._inside("alembic", "down", one), self._inside("migrator", "down", other))
            elif not self._upgraded(one, other):
                print(f"{self._installed.history.name}, {stage}: the history fails, with Alembic too")
                return  # Alembic has undone all revisions of the run, migrator the one that failed
            self._compare(stage, one, other)

    def _upgraded(self, one: Database, other: Database) -> bool:
        self._installed.point_at(one.url)
        plain = self._process(self._installed.alembic("heads"), one.url)
        online = self._process(self._installed.migrator("heads", other.url), other.url)
        self._same = self._same and bool(plain.returncode) == bool(online.returncode)
        return not (plain.returncode and online.returncode)

    def _populated(self, one: Database, other: Database) -> None:
        self._show("with rows", self._inside("alembic", "walk", one), self._inside("migrator", "walk", other))
        self._compare("with rows", one, other)

    def _inside(self, tool: str, action: str, database: Database) -> list[dict[str, str]]:
        self._installed.point_at(database.url)
        script = [self._installed.program("python"), "-m", "tests.histories.inside"]
        done = self._process([*script, tool, action, str(self._installed.ini), database.url], database.url)
        self._same = self._same and not done.returncode
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _process(self, command: list[str], url: str) -> subprocess.CompletedProcess[str]:
        started = time.monotonic()
        environ = self._installed.environ(url)
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        shown = " ".join([Path(command[0]).name, *command[1:5]])
        print(f"  {time.monotonic() - started:5.1f} s  {shown[:90]}", flush=True)
        if done.returncode:
            print(f"  exit {done.returncode}: {done.stderr[-400:]}")
        return done

    def _show(self, stage: str, plain: list[dict[str, str]], online: list[dict[str, str]]) -> None:
        for tool, lines in (("alembic", plain), ("migrator", online)):
            for line in lines:
                print(f"  {stage}, {tool}: {line}")

    def _compare(self, stage: str, one: Database, other: Database) -> None:
        dumps = [dump_schema(database.url, self._binaries).splitlines() for database in (one, other)]
        heads = [self._heads(database) for database in (one, other)]
        equal = dumps[0] == dumps[1] and heads[0] == heads[1]
        self._same = self._same and equal
        print(f"{self._installed.history.name}, {stage}: {'equal' if equal else 'DIFFERENT'}, at {heads[1]}")
        if not equal:
            print(f"  alembic is at {heads[0]}")
            sys.stdout.writelines(f"  {line}\n" for line in difflib.unified_diff(*dumps, "alembic", "migrator", n=2))

    def _heads(self, database: Database) -> list[str]:
        with psycopg.connect(database.url) as connection:
            found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            if not (found and found[0]):
                return []
            return sorted(row[0] for row in connection.execute("SELECT version_num FROM alembic_version"))
