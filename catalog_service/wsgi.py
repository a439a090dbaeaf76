"""For WSGI servers: `gunicorn 'catalog_service.wsgi:application()'`."""

from __future__ import annotations

from flask import Flask

from catalog_service.app import create_app


def application() -> Flask:
    """Return the application with the settings of the environment."""
    return create_app()
