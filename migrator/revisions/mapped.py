"""Finds out what the models of a project map: from the `target_metadata` of its `env.py`, run without any server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import MetaData, event
from sqlalchemy.engine import Engine

from migrator.check.history import Mapped
from migrator.revisions.project import Project


class _FarEnoughError(Exception):
    """`env.py` has told all that is asked of it, or wants a server."""


def mapped_by(project: Project) -> frozenset[Mapped]:
    """Return the tables and columns that the project's `env.py` gives Alembic to compare with; nothing if it fails."""
    from migrator.revisions.environment import quiet  # noqa: PLC0415 - imports the driver, and is seldom needed

    found: list[MetaData] = []

    def configure(**options: Any) -> None:
        given = options.get("target_metadata")
        found.extend(one for one in (given if isinstance(given, list | tuple) else [given]) if one is not None)
        raise _FarEnoughError

    environment = EnvironmentContext(project.config(), project.scripts, fn=lambda *_: (), as_sql=True)
    environment.configure = configure  # type: ignore[method-assign, assignment]  # seen by alembic.context once entered
    # Whatever a team's code raises; most often that it lacks a setting which only its servers have.
    with suppress(Exception, SystemExit), quiet(), _no_server(), environment:
        project.scripts.run_env()
    return frozenset(one for metadata in found for table in metadata.tables.values() for one in _of(table))


def _of(table: Any) -> Iterator[Mapped]:
    schema = None if table.schema == "public" else table.schema
    yield Mapped(table.name, None, schema)
    yield from (Mapped(table.name, column.name, schema) for column in table.columns)


@contextmanager
def _no_server() -> Iterator[None]:
    """Keep every engine from connecting: what is checked needs no database."""

    def refuse(*_: Any) -> None:
        raise _FarEnoughError

    event.listen(Engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", refuse)
