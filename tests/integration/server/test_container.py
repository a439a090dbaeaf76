"""Tests can take their server from a container engine."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.servers import container, container_engine_answers


@pytest.mark.docker
def test_a_server_in_a_container_answers_with_the_settings_of_the_tests() -> None:
    if not container_engine_answers():
        pytest.skip("no container engine answers")
    with container() as url, psycopg.connect(url) as connection:
        assert connection.execute("show wal_level").fetchone() == ("logical",)
