"""Alembic on a test's database, and what a schema consists of, for the tests of the catalog's revisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from psycopg import Connection

ROOT = Path(__file__).parents[2]
BASELINE = "2d90f4be8a15"

_SCHEMA = """
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
           attnotnull::text, attidentity::text, coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
      AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text, '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid),
           indisvalid::text, '', ''
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
"""


def alembic_config(url: str) -> Config:
    """Return the catalog's configuration, pointed at `url`, without its logging."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "catalog_schema"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str) -> None:
    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(alembic_config(url), revision)


def schema(connection: Connection[Any]) -> set[tuple[str, ...]]:
    """Return every column, constraint and index, but for the order of columns, which undoing a drop cannot restore."""
    return {row for row in connection.execute(_SCHEMA) if row[1] != "alembic_version"}
