"""The fixtures of every test group: one server for the session, one database for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import Database, Databases, Templates
from tests.support.leftovers import make_base, remove_base, sweep
from tests.support.servers import OwnServer, ServerMaker, Source, container_engine_answers, find_source, session_server

_BASE = "MIGRATOR_TEST_BASE"

# Two cores that do other things too must not fail a property for being slow; in CI the same inputs come each time.
settings.register_profile(
    "migrator",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("migrator")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    sweep()
    base, lock = make_base()
    os.environ[_BASE] = str(base)
    config.add_cleanup(lock.close)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or _BASE not in os.environ:
        return
    base = Path(os.environ.pop(_BASE))
    if (base / "foreign-server").exists():
        databases = Databases(os.environ["MIGRATOR_TEST_DATABASE_URL"], _prefix(base))
        databases.drop_all()
        databases.close()
    remove_base(base)


def pytest_report_header(config: pytest.Config) -> str:
    return f"postgres: {find_source(os.environ).words}"


@pytest.fixture(scope="session")
def postgres_source() -> Source:
    return find_source(os.environ)


@pytest.fixture(scope="session")
def session_base() -> Path:
    """A folder of this session that every account can reach; removed at its end."""
    return Path(os.environ[_BASE])


@pytest.fixture(scope="session")
def server_url(postgres_source: Source, session_base: Path) -> Iterator[str]:
    """The address of the session's server; tests change nothing outside databases of their own."""
    if postgres_source.in_container and not container_engine_answers():
        pytest.fail(f"no container engine answers, but the tests are to use {postgres_source.words}")
    if postgres_source.url:
        (session_base / "foreign-server").touch()
    with session_server(postgres_source, session_base) as url:
        yield url


@pytest.fixture(scope="session")
def databases(server_url: str, session_base: Path) -> Iterator[Databases]:
    made = Databases(server_url, _prefix(session_base))
    yield made
    made.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """An empty database of the test's own: `.url`, `.name`, `.connect()`."""
    made = databases.create()
    yield made
    databases.drop(made)


@pytest.fixture(scope="session")
def templates(databases: Databases) -> Templates:
    return Templates(databases)


@pytest.fixture
def database_from(databases: Databases) -> Iterator[Callable[[str], Database]]:
    """A function that copies a template, as `templates.get` names it, into a database of the test's own."""
    made: list[Database] = []

    def copy(template: str) -> Database:
        made.append(databases.create(template))
        return made[-1]

    yield copy
    for database in made:
        databases.drop(database)


@pytest.fixture
def servers(postgres_source: Source, session_base: Path) -> Iterator[ServerMaker]:
    """Makes private servers and replicas: `.server(fsync=…, settings=…)`, `.replica(primary)`."""
    if postgres_source.binaries is None:
        pytest.skip(f"needs PostgreSQL programs to start servers with; the session uses {postgres_source.words}")
    maker = ServerMaker(session_base, postgres_source.binaries)
    yield maker
    maker.close()


@pytest.fixture
def own_server(servers: ServerMaker) -> OwnServer:
    """A private server that the test may stop, kill and start again."""
    return servers.server()


def _prefix(base: Path) -> str:
    return base.name.replace("-", "_").lower()
