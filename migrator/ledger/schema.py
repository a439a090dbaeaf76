"""Brings the ledger's own tables up to date, with Alembic revisions of its own; knows nothing of what is in them."""

from __future__ import annotations

from pathlib import Path

import psycopg

from migrator.errors import RefusedError

VERSIONS = Path(__file__).parent / "versions"
HEAD = "0007"
_CREATION_LOCK = 0x6D67_6C64  # "mgld": two first runs at once must not both create the schema


class LedgerTooNewError(RefusedError):
    """The ledger in this database was written by a newer migrator.

    An older migrator could misread it, so it does not touch it. Use the newer migrator, or the same version everywhere.
    """

    code = "MG310"


def version(connection: psycopg.Connection) -> str | None:
    """Return the revision of the ledger's schema, or None where there is no ledger."""
    exists = connection.execute("SELECT to_regclass('migrator.ledger_version') IS NOT NULL").fetchone()
    if not exists or not exists[0]:
        return None
    row = connection.execute("SELECT version_num FROM migrator.ledger_version").fetchone()
    return row[0] if row else None


def ensure(connection: psycopg.Connection) -> None:
    """Create or upgrade the ledger through `connection`, which is in autocommit mode.

    Raises:
        LedgerTooNewError: the ledger's revision is not one that this version knows.
    """
    found = version(connection)
    if found == HEAD:
        return
    if found is not None and not list(VERSIONS.glob(f"{found}_*.py")):
        raise LedgerTooNewError(
            f"the ledger in this database has schema version {found}; this migrator knows {HEAD}",
            help="install the migrator version that wrote it, or a newer one",
        )
    connection.autocommit = False  # as SQLAlchemy expects it
    try:
        _upgrade(connection)
    finally:
        connection.autocommit = True


def _upgrade(connection: psycopg.Connection) -> None:
    from alembic.operations import Operations  # noqa: PLC0415 - takes a second to import, needed once per database
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    scripts = ScriptDirectory(str(VERSIONS.parent), version_locations=[str(VERSIONS)])
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as session:
        session.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
        session.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS migrator")
        context = MigrationContext.configure(
            session,
            opts={
                "version_table": "ledger_version",
                "version_table_schema": "migrator",
                "fn": lambda heads, _: scripts._upgrade_revs("head", heads),  # noqa: SLF001 - as alembic.command does
            },
        )
        with Operations.context(context):
            context.run_migrations()
