"""Alembic's way into the catalog: where the database is and which models it should match."""

import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import URL, create_engine, make_url, pool

from catalog_schema.models import Base

config = context.config

if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

target_metadata = Base.metadata


def database_url() -> URL:
    """Return the configured address, with the one driver the catalog is installed with."""
    configured = config.get_main_option("sqlalchemy.url") or os.environ["DATABASE_URL"]
    scheme, _, rest = configured.partition("://")
    if scheme in {"postgres", "postgresql"}:
        return make_url(f"postgresql+psycopg://{rest}")
    return make_url(configured)


def run_migrations_offline() -> None:
    """Write the statements to the output instead of sending them."""
    context.configure(
        url=database_url(),
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )

    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Send the statements to the database."""
    connectable = create_engine(database_url(), poolclass=pool.NullPool)

    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)

        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
