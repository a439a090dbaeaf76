"""What the tests of the service share: one Valkey and one document store per session, a catalog of its own per test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from catalog_schema.load.shapes import PLANS
from catalog_service.app import create_app
from catalog_service.catalog import Catalog
from catalog_service.repositories import own_tables
from catalog_service.repositories.engines import normalised
from catalog_service.settings import Settings
from tests.catalog import plain_plans
from tests.support.databases import Database, Templates
from tools.servers import LOCAL, Process, document_store, free_port, mongodb_url, redis_url, valkey

SECRET = "a secret of the tests"


def build(database: Database, upto: str | None = None) -> None:
    """A catalog before the plan `upto`, or after all of them, with the service's own tables."""
    plain_plans.build(database, upto or PLANS[-1])
    if upto is None:
        plain_plans.run(database, PLANS[-1])
    engine = create_engine(normalised(database.url))
    own_tables.create(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def catalog_template(templates: Templates) -> str:
    return templates.get("service head", build)


@pytest.fixture
def catalog_database(database_from: Callable[[str], Database], catalog_template: str) -> Database:
    return database_from(catalog_template)


@pytest.fixture(scope="session")
def cache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    server = valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    server = document_store(tmp_path_factory.mktemp("documents"), durable=False)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def make_app() -> Iterator[Callable[..., Flask]]:
    """Makes applications on a database, with neither replica, cache nor document store unless they are given."""
    made: list[Flask] = []

    def make(database: Database | str, **settings: Any) -> Flask:
        url = database if isinstance(database, str) else database.url
        app = create_app(replace(Settings(url, SECRET, pool_size=4), **settings))
        app.testing = True
        app.config["PROPAGATE_EXCEPTIONS"] = False
        made.append(app)
        return app

    yield make
    for app in made:
        parts(app).close()


@pytest.fixture
def app(catalog_database: Database, make_app: Callable[..., Flask]) -> Flask:
    return make_app(catalog_database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def served(catalog_database: Database, tmp_path: Path) -> Iterator[int]:
    """The port of a gunicorn that serves a catalog, with neither replica, cache nor document store."""
    port = free_port()
    options = ["--bind", f"{LOCAL}:{port}", "--threads", "4", "--config", "python:catalog_service.gunicorn"]
    settings = {"CATALOG_DATABASE_URL": catalog_database.url, "CATALOG_SECRET_KEY": SECRET}
    command = [sys.executable, "-m", "gunicorn", *options, "catalog_service.wsgi:application()"]
    server = Process(command, port, tmp_path / "gunicorn.log", {**os.environ, **settings})
    server.start()
    yield port
    server.stop()


def parts(app: Flask) -> Catalog:
    found: Catalog = app.extensions["catalog"]
    return found


@pytest.fixture
def product() -> dict[str, Any]:
    """What a client sends to add a product."""
    return {
        "sku": "TEST-1",
        "title": "A lamp",
        "category_id": 3,
        "tags": ["new", "sale"],
        "price": "12.50",
        "description": "It shines.",
        "weight_grams": 300,
    }


@pytest.fixture
def fresh_cache(cache_server: Process) -> str:
    """The address of an empty cache."""
    import redis

    url = redis_url(cache_server)
    with redis.Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.fixture
def store_url(store_server: Process) -> str:
    return mongodb_url(store_server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
