"""The application factory: the parts, the blueprints and what surrounds them; opens no connection."""

from __future__ import annotations

import os
from collections.abc import Hashable

from flask import Flask, Response, jsonify
from flask.globals import app_ctx

from catalog_service import cli
from catalog_service.catalog import Catalog, assemble
from catalog_service.observability import logging
from catalog_service.settings import Settings, SettingsError
from catalog_service.web import categories, products, reports, reviews, search
from catalog_service.web.clients import remember_writes
from catalog_service.web.health import health
from catalog_service.web.openapi import document
from catalog_service.web.pages import pages
from catalog_service.web.problems import handle_errors
from catalog_service.web.watch import watch_requests

VERSION = "1.0.0"
_BIGGEST_BODY = 256 * 1024
APIS = (products.api, categories.api, reviews.api, search.api, reports.api)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, by default with the settings of the environment."""
    settings = settings or Settings.from_environment(os.environ)
    logging.configure()
    app = Flask("catalog_service")
    app.config["MAX_CONTENT_LENGTH"] = _BIGGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    app.url_map.strict_slashes = True
    catalog = assemble(settings, _app_context)
    app.extensions["catalog"] = catalog
    watch_requests(app, catalog)
    remember_writes(app)
    handle_errors(app)
    for blueprint in (*APIS, health, pages):
        app.register_blueprint(blueprint)
    _serve_document(app)
    app.cli.add_command(cli.group)
    if settings.telemetry:
        _trace(app, catalog)
    return app


def _trace(app: Flask, catalog: Catalog) -> None:
    try:
        from catalog_service.observability.telemetry import instrument  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError("CATALOG_TELEMETRY is set: pip install 'migrator[telemetry]'") from error
    instrument(app, catalog.sessions.engines.values())


def _app_context() -> Hashable:
    return id(app_ctx._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - of the proxy


def _serve_document(app: Flask) -> None:
    described = document((one for api in APIS for one in api.operations), VERSION)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(described)
