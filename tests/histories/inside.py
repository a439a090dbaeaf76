"""Runs in a package's environment: walks its history with Alembic or migrator in one process, and prints what happened.

Each line of output is a JSON object; the last one says at which revisions the database stands.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from tests.histories.rows import empty, fill


def main(tool: str, action: str, ini: str, url: str) -> None:
    """Carry out `action` with `tool`: ``down`` to base, or ``walk`` up revision by revision with rows in all tables."""
    move = {"alembic": _alembic, "migrator": _migrator}[tool](ini, url)
    if action == "down":
        _tell(error=move("downgrade", "base"))
    else:
        _walk(move, ScriptDirectory.from_config(Config(ini)), url)


def _walk(move: Callable[[str, str], str], scripts: ScriptDirectory, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for script in reversed(list(scripts.walk_revisions("base", "heads"))):
            error = move("upgrade", script.revision)
            if error:
                _tell(revision=script.revision, with_rows=error)
                empty(connection)
                error = move("upgrade", script.revision)
            if error:  # some histories only go all the way at once
                _tell(revision=script.revision, without_rows=error, at_once=move("upgrade", "heads"))
                return
            fill(connection)


def _tell(**line: str) -> None:
    print(json.dumps(line), flush=True)


def _alembic(ini: str, _url: str) -> Callable[[str, str], str]:
    configure = EnvironmentContext.configure

    def committing(self: EnvironmentContext, *args: Any, **options: Any) -> None:
        configure(self, *args, **{**options, "transaction_per_migration": True})

    EnvironmentContext.configure = committing  # type: ignore[method-assign]

    def move(direction: str, revision: str) -> str:
        try:
            getattr(command, direction)(Config(ini, stdout=io.StringIO()), revision)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a package's history raises
            return f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return ""

    return move


def _migrator(ini: str, url: str) -> Callable[[str, str], str]:
    from migrator.cli.main import main as cli

    def move(direction: str, revision: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = cli([direction, revision, "--alembic-ini", ini, "--database-url", url, "--format", "json"])
        return f"exit {code}: {' | '.join(said.getvalue().splitlines()[-6:-2])[:400]}" if code else ""

    return move


if __name__ == "__main__":
    main(*sys.argv[1:])
