"""The labels of the corpus, held against what a real server does: all of them on the oldest and the newest version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.corpus import BASE, SEEN_ON_A_SERVER, Case, cases
from tests.support.databases import Database, Databases, Templates
from tests.support.servers import ServerMaker
from tests.support.versions import binaries_of
from tests.support.witness import Witness


def build(database: Database) -> None:
    database.connect().execute(BASE.encode())


def contradiction(case: Case, connection: psycopg.Connection) -> str:
    """Return what the server says against the label of a case."""
    connection.execute(f"set timezone = '{case.timezone or 'UTC'}'".encode())
    if case.setup:
        connection.execute(case.setup.encode())
    witness = Witness(connection)
    seen = witness.run(case.sql)
    by_itself = case.why in SEEN_ON_A_SERVER
    agreed = case.why in seen if by_itself else "fails" not in seen and bool(case.why or not seen)
    return "" if agreed else f"{case.name} is labelled {case.why or 'safe'}, seen: {seen} {witness.error or ''}"


OF_ALL_VERSIONS = [one for one in cases() if (one.since, one.until) == (14, 18)]


@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in OF_ALL_VERSIONS[::24]])
def test_a_server_does_what_the_label_says(
    case: Case, templates: Templates, database_from: Callable[[str], Database]
) -> None:
    database = database_from(templates.get("corpus", build))

    assert contradiction(case, database.connect()) == ""


@pytest.mark.matrix
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", [14, 18])
def test_the_oldest_and_the_newest_version_agree_with_every_label(version: int, session_base: Path) -> None:
    maker = ServerMaker(session_base, binaries_of(version))
    databases = Databases(maker.server().url, "corpus")
    template = databases.template("corpus", build)
    found = []
    for case in cases():
        if case.since <= version <= case.until:
            database = databases.create(template)
            found.append(contradiction(case, database.connect()))
            databases.drop(database)
    databases.close()
    maker.close()

    assert "\n".join(filter(None, found)) == ""
