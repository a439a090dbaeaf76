"""Remembers, in a signed cookie, that a client has just written, so that it reads its own writes."""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, TimestampSigner

from catalog_service.catalog import Catalog
from catalog_service.services.aftermath import Client

COOKIE = "catalog_wrote"
_PRIMARY, _PAST_CACHE = "primary", "past-cache"


def catalog() -> Catalog:
    """Return the parts of the running application."""
    return cast("Catalog", current_app.extensions["catalog"])


def client() -> Client:
    """Return the client of the request."""
    if "client" not in g:
        g.client = _recognise()
    return cast("Client", g.client)


def remember_writes(app: Flask) -> None:
    """Make the application leave the cookie with every client that wrote."""

    @app.after_request
    def leave(response: Response) -> Response:
        if "client" in g and g.client.wrote:
            past_cache = g.client.past_cache
            seconds = _seconds(past_cache)
            value = _signer().sign(_PAST_CACHE if past_cache else _PRIMARY).decode()
            response.set_cookie(COOKIE, value, max_age=int(seconds) + 1, httponly=True, samesite="Lax")
        return response


def _recognise() -> Client:
    if (value := request.cookies.get(COOKIE)) is None:
        return Client()
    try:
        said = _signer().unsign(value, max_age=_seconds(past_cache=value.startswith(_PAST_CACHE))).decode()
    except BadSignature:
        return Client()
    return Client(fresh=True, past_cache=said == _PAST_CACHE)


def _seconds(past_cache: bool) -> int:
    settings = catalog().settings
    window = settings.own_writes_window + (settings.cache_ttl if past_cache else 0)
    return int(window) + 1  # timestamps have whole seconds


def _signer() -> TimestampSigner:
    return TimestampSigner(catalog().settings.secret_key, salt="catalog.wrote")
