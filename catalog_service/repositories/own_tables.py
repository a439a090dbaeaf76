"""The tables that are the service's own, in a schema of their own: the reader flags and the outbox."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Engine, Index, MetaData, Table, Text, func, text
from sqlalchemy.schema import CreateSchema

SCHEMA = "catalog_service"

metadata = MetaData(schema=SCHEMA)

readers = Table(
    "readers",
    metadata,
    Column("move", Text, primary_key=True),
    Column("mode", Text, CheckConstraint("mode IN ('old', 'both', 'new')"), nullable=False),
)

# One row per product that the service has written: what the read model still lacks is where version > published.
outbox = Table(
    "outbox",
    metadata,
    Column("product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False, server_default=text("0")),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("outbox_pending", "changed_at", postgresql_where=text("version > published")),
)

_CREATION_LOCK = 0x6361_7461


def create(engine: Engine) -> None:
    """Create what is missing; safe to call at any time and from several processes."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
        metadata.create_all(connection)
