"""The private server works with every supported version."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrator.postgres.server.embedded import embedded
from tests.support.polling import wait_until
from tests.support.servers import ServerMaker
from tests.support.versions import RELEASES, binaries_of


@pytest.mark.matrix
@pytest.mark.parametrize("version", RELEASES)
def test_a_private_server_of_each_version_starts_and_answers(version: int, tmp_path: Path) -> None:
    with embedded(tmp_path / "pg", binaries=binaries_of(version)) as url, psycopg.connect(url) as connection:
        assert connection.info.server_version // 10000 == version


@pytest.mark.matrix
@pytest.mark.parametrize("version", RELEASES)
def test_a_replica_of_each_version_streams(version: int, session_base: Path) -> None:
    maker = ServerMaker(session_base, binaries_of(version))
    try:
        primary = maker.server()
        maker.replica(primary)
        with primary.connect() as connection:
            state = "select state from pg_stat_replication"
            wait_until(lambda: connection.execute(state).fetchone() == ("streaming",), message="streaming")
    finally:
        maker.close()
