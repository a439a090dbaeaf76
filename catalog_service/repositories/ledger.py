"""What the database says of migrations: the revision it is at and the runs under way, by plain SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from catalog_service.observability.statements import HOUSEKEEPING


@dataclass(frozen=True, slots=True)
class Run:
    """The execution of a plan, as far as it has come."""

    plan: str
    state: str


@dataclass(frozen=True, slots=True)
class Migrations:
    """The revision of the schema, and every run that is not over."""

    revision: str | None
    runs: tuple[Run, ...]


_TABLES = text("SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('migrator.runs') IS NOT NULL")
_REVISION = text("SELECT version_num FROM alembic_version")
_RUNS = text("SELECT plan, state FROM migrator.runs WHERE state NOT IN ('complete', 'rolled back') ORDER BY id")


def migrations(engine: Engine) -> Migrations:
    """Read the state of migrations."""
    with engine.connect().execution_options(**HOUSEKEEPING) as connection:
        versioned, ledger = connection.execute(_TABLES).one()
        revision = connection.execute(_REVISION).scalar() if versioned else None
        runs = tuple(Run(row.plan, row.state) for row in connection.execute(_RUNS)) if ledger else ()
    return Migrations(revision, runs)
