"""Brings the ledger's own tables up to date, with Alembic revisions of its own; knows nothing of what is in them.

A new ledger is made by the same statements written out in a file, without the half second that Alembic takes to import.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from migrator.errors import RefusedError
from migrator.postgres.rights import create_schema

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

VERSIONS = Path(__file__).parent / "versions"
SCRIPT = Path(__file__).parent / "new_ledger.sql"
HEAD = "0009"
_CREATION_LOCK = 0x6D67_6C64  # "mgld": two first runs at once must not both create the schema


class LedgerTooNewError(RefusedError):
    """The ledger in this database was written by a newer migrator.

    An older migrator could misread it, so it does not touch it. Use the newer migrator, or the same version everywhere.
    """

    code = "MG310"


def version(connection: psycopg.Connection) -> str | None:
    """Return the revision of the ledger's schema, or None where there is no ledger."""
    # Not to_regclass: it may answer from what the session knew when its transaction began.
    exists = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'migrator' AND tablename = 'ledger_version')"
    ).fetchone()
    if not exists or not exists[0]:
        return None
    row = connection.execute("SELECT version_num FROM migrator.ledger_version").fetchone()
    return row[0] if row else None


def create(connection: psycopg.Connection) -> None:
    """Create the ledger through `connection`, which is in autocommit mode, unless there is one of whatever version.

    Raises:
        MissingRightError
    """
    if version(connection) is not None:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_CREATION_LOCK])
        if version(connection) is None:
            create_schema(connection, "migrator")
            connection.execute(SCRIPT.read_bytes())


def ensure(connection: psycopg.Connection) -> None:
    """Create or upgrade the ledger through `connection`, which is in autocommit mode.

    Raises:
        LedgerTooNewError: the ledger's revision is not one that this version knows.
        MissingRightError
    """
    create(connection)
    found = version(connection)
    if found == HEAD:
        return
    if not list(VERSIONS.glob(f"{found}_*.py")):
        raise LedgerTooNewError(
            f"the ledger in this database has schema version {found}; this migrator knows {HEAD}",
            help="install the migrator version that wrote it, or a newer one",
        )
    connection.autocommit = False  # as SQLAlchemy expects it
    try:
        _upgrade(connection)
    finally:
        connection.autocommit = True


def script() -> str:
    """Return the statements of all revisions, for an empty schema `migrator`: what is in `SCRIPT`."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - takes half a second to import

    written = io.StringIO("-- Written by python -m docs.generate: change the revisions in versions, not this.\n\n")
    written.seek(0, io.SEEK_END)
    options = {"as_sql": True, "output_buffer": written}
    _run(MigrationContext.configure(dialect_name="postgresql", opts={**options, **_options()}))
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines()) + "\n"


def _upgrade(connection: psycopg.Connection) -> None:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above, and needed once per version
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as session:
        session.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
        _run(MigrationContext.configure(session, opts=_options()))


def _options() -> dict[str, Any]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    scripts = ScriptDirectory(str(VERSIONS.parent), version_locations=[str(VERSIONS)])
    return {
        "version_table": "ledger_version",
        "version_table_schema": "migrator",
        "fn": lambda heads, _: scripts._upgrade_revs("head", heads),  # noqa: SLF001 - as alembic.command does
    }


def _run(context: MigrationContext) -> None:
    from alembic.operations import Operations  # noqa: PLC0415 - as above

    with Operations.context(context):
        context.run_migrations()
