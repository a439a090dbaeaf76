"""The packages with an Alembic history for PostgreSQL that are known to run, and what their `env.py` needs."""

from __future__ import annotations

from dataclasses import dataclass, field

# OpenStack's env.py files ask oslo.config where the database is, as their own commands have told it before.
_OSLO = """\
from oslo_config import cfg
import {package}
from oslo_db import options
options.set_defaults(cfg.CONF)
if not cfg.CONF._args:
    cfg.CONF([], project="{project}", default_config_files=[])
cfg.CONF.set_override("connection", context.config.get_main_option("sqlalchemy.url"), "database")
"""


RUN = "run_env()"


@dataclass(frozen=True, slots=True)
class History:
    """A published history.

    Attributes:
        requirements: what to install.
        scripts: the script directory below site-packages.
        versions: the folders of revisions below `scripts`.
        start: Python that makes what the first revision builds on, at the engine ``engine``.
        prelude: Python to run before `env.py`, for what the package's own command would have set up.
        run: Python that calls ``run_env``, where it must not be called straight away.
        driver: the driver in the URL given to Alembic.
    """

    name: str
    requirements: tuple[str, ...]
    scripts: str
    versions: tuple[str, ...] = ("versions",)
    start: str = ""
    prelude: str = ""
    run: str = RUN
    driver: str = "psycopg2"
    environ: dict[str, str] = field(default_factory=dict)


def _openstack(name: str, scripts: str, *versions: str, options: str = "", attribute: str = "") -> History:
    prelude = _OSLO.format(package=options, project=name) if options else ""
    if attribute:
        prelude += f"context.config.{attribute} = cfg.CONF\n"
    return History(name, (name, "psycopg2-binary"), f"{name}/{scripts}", versions or ("versions",), prelude=prelude)


HISTORIES = {
    one.name: one
    for one in (
        History("optuna", ("optuna", "psycopg2-binary"), "optuna/storages/_rdb/alembic"),
        History(
            "mlflow",
            ("mlflow", "psycopg2-binary"),
            "mlflow/store/db_migrations",
            start="from mlflow.store.db.utils import InitialBase; InitialBase.metadata.create_all(engine)",
        ),
        History("mlflow-auth", ("mlflow[auth]", "psycopg2-binary"), "mlflow/server/auth/db/migrations"),
        History(
            "keystone",
            ("keystone", "psycopg2-binary"),
            "keystone/common/sql/migrations",
            ("versions", "versions/*/expand", "versions/*/contract"),
            prelude="import keystone.conf\nif 'saml' not in keystone.conf.CONF: keystone.conf.configure()\n",
        ),
        _openstack("glance", "db/sqlalchemy/alembic_migrations", options="glance.db.sqlalchemy.models"),
        _openstack("ironic", "db/sqlalchemy/alembic", options="ironic.conf"),
        _openstack("manila", "db/migrations/alembic", options="manila.common.config"),
        _openstack("cinder", "db/migrations"),
        _openstack(
            "octavia",
            "db/migration/alembic_migrations",
            options="octavia.common.config",
            attribute="octavia_config",
        ),
        _openstack("designate", "storage/sqlalchemy/alembic"),
        _openstack(
            "mistral",
            "db/sqlalchemy/migration/alembic_migrations",
            options="mistral.config",
            attribute="mistral_config",
        ),
        _openstack(
            "neutron",
            "db/migration/alembic_migrations",
            "versions",
            "versions/*/expand",
            "versions/*/contract",
            options="neutron.conf.common",
            attribute="neutron_config",
        ),
        History("nova", ("nova", "psycopg2-binary"), "nova/db/main/migrations"),
        History("langflow", ("langflow-base", "psycopg[binary]"), "langflow/alembic", driver="psycopg"),
        History(
            "barbican",
            ("barbican", "psycopg2-binary"),
            "barbican/model/migration/alembic_migrations",
            prelude="context.config.barbican_sqlalchemy_url = None\n",
        ),
        History(
            "prefect",
            ("prefect",),
            "prefect/server/database/_migrations",
            ("versions/postgresql",),
            run="import anyio; anyio.run(anyio.to_thread.run_sync, run_env)",
            driver="asyncpg",
            environ={"PREFECT_API_DATABASE_CONNECTION_URL": "{url}"},
        ),
    )
}
