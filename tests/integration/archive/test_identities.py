"""An identity column that contract drops comes back as the identity that it was, and goes on where it had ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import dump, prepared
from tests.support.databases import Database

OPTIONS = "SEQUENCE NAME numbers START WITH 5000 INCREMENT BY 5 CYCLE"
COLUMN = """
ALTER TABLE t ADD COLUMN ticket bigint GENERATED {};
INSERT INTO t (id) VALUES (501);
DELETE FROM t WHERE id = 501;
GRANT USAGE ON SEQUENCE {} TO pg_monitor;
"""
READ = "SELECT id, ticket FROM t ORDER BY id"
DROP, ADD = "ALTER TABLE t DROP COLUMN ticket", "ALTER TABLE t ADD COLUMN ticket bigint"


@pytest.mark.parametrize(
    "identity",
    [
        (f"ALWAYS AS IDENTITY ({OPTIONS})", "numbers", ADD, (7505, 7510, 7515)),
        ("BY DEFAULT AS IDENTITY", "t_ticket_seq", f"{ADD} GENERATED ALWAYS AS IDENTITY", (502, 503, 504)),
    ],
)
def test_it_comes_back_as_it_was(
    database: Database, tmp_path: Path, binaries: Binaries, identity: tuple[str, str, str, tuple[int, ...]]
) -> None:
    kind, sequence, back, given = identity
    project, plan = prepared(database, tmp_path, [DROP], [ADD], "t.ticket", more=COLUMN.format(kind, sequence))
    project.rewrite("2222", "1111", f"op.execute('{DROP}')", f"op.execute('{back}')  # migrator: plain because it fits")
    connection = database.connect()
    before, content = dump(database, binaries), connection.execute(READ).fetchall()
    assert project.apply(plan) == "complete"
    connection.execute("INSERT INTO t (id) VALUES (502), (503)")
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    connection.execute("INSERT INTO t (id) VALUES (504)")
    assert connection.execute(READ).fetchall() == [*content, *zip((502, 503, 504), given, strict=True)]
    left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'migrator_archive'::regnamespace"
    assert connection.execute(left).fetchone() == (0,)
