"""Archiving, dropping, restoring and purging, killed in the middle or out of disk space: nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrator.engine.archives.columns import ArchiveRoomError
from migrator.plan import Phase
from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import PLAN, dump, prepared, rows
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import ServerMaker
from tests.support.victim import Victim, dies_at

DROP = ["ALTER TABLE t DROP COLUMN code CASCADE, DROP COLUMN number", 'DROP INDEX "By Note"', "DROP TABLE side CASCADE"]
BACK = ["ALTER TABLE t ADD COLUMN code text, ADD COLUMN number integer", "CREATE TABLE side (id bigint)"]
SIDE = "CREATE TABLE side (id bigint PRIMARY KEY, t bigint REFERENCES t); INSERT INTO side SELECT id, id FROM t"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_contract_killed_at_every_event_and_its_undoing_too_loses_nothing(
    database: Database, tmp_path: Path, binaries: Binaries
) -> None:
    project, plan = prepared(database, tmp_path, DROP, BACK, "t.code, t.number, side", more=SIDE)
    connection = database.connect()
    before, content, deaths = dump(database, binaries), rows(connection), 0

    def compare(moment: str) -> None:
        assert set(dump(database, binaries)) ^ set(before) == set(), moment
        assert rows(connection) == content, moment

    for number in range(1, 100):
        died = dies_at(project, "codes", number, name="")
        project.rollback(plan, to="migrate")
        compare(f"apply killed at event {number}")
        deaths += died
        if not died:
            break
    project.apply(plan)
    for number in range(1, 100):
        died = dies_at(project, "codes", number, name="", back_to="migrate")
        project.rollback(plan, to="migrate")
        compare(f"rollback killed at event {number}")
        assert connection.execute("SELECT count(*) FROM side").fetchone() == (500,)
        deaths += died
        if not died:
            break
        project.apply(plan)
    print(f"{deaths} deaths")


def test_a_purge_killed_in_the_middle_has_deleted_whole_archives_and_leaves_the_others(
    database: Database, tmp_path: Path
) -> None:
    drop, back = (
        "ALTER TABLE t DROP COLUMN fresh, DROP COLUMN note",
        "ALTER TABLE t ADD COLUMN fresh text, ADD COLUMN note text",
    )
    project, plan = prepared(database, tmp_path, [drop], [back], "t.fresh, t.note")
    project.apply(plan)
    connection = database.connect()
    archives = "SELECT name FROM migrator.archives ORDER BY created_at, name"
    first, second = [name for (name,) in connection.execute(archives)]
    with database.connect(autocommit=False) as holder:
        holder.execute(f"LOCK TABLE migrator_archive.{second} IN ACCESS SHARE MODE")
        victim = Victim(project, "purge", "--older-than", "0s", "--yes")
        wait_until(lambda: connection.execute(archives).fetchall() == [(second,)], message="the first archive to go")
        assert victim.kill()
    assert connection.execute("SELECT to_regclass(%s)", (f"migrator_archive.{first}",)).fetchone() == (None,)
    project.rollback(plan, to="migrate")
    assert connection.execute("SELECT count(note) FROM t").fetchone() == (500,)


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of its own with 1.5 MB; only root may mount one."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_while_a_column_is_copied_ends_the_run_before_the_drop(
    servers: ServerMaker, tmp_path: Path, small_disk: Path
) -> None:
    server = servers.server()
    project = Project(tmp_path, server.url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN fresh text"], ["ALTER TABLE t DROP COLUMN fresh"])
    project.sql_revision("2222", ["ALTER TABLE t DROP COLUMN code"], ["ALTER TABLE t ADD COLUMN code text"])
    plan = project.plan("codes", PLAN.format(archive="t.code"))
    owner = server.data.stat()
    os.chown(small_disk, owner.st_uid, owner.st_gid)
    for folder in [small_disk, *small_disk.parents]:
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, code text NOT NULL)")
        connection.execute("INSERT INTO t SELECT g, repeat(md5(g::text), 4) FROM generate_series(1, 20000) g")
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        connection.execute("ALTER ROLE CURRENT_USER SET default_tablespace = small")
        with pytest.raises(ArchiveRoomError, match="No space left on device") as refused:
            project.apply(plan)
        assert (refused.value.exit_code, "nothing was dropped" in " ".join(refused.value.notes)) == (4, True)
        connection.execute("UPDATE t SET code = 'the application goes on' WHERE id <= 5000")
        left = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_migrator%'"
        assert connection.execute(left).fetchone() == (0,)
        connection.execute("ALTER ROLE CURRENT_USER RESET default_tablespace")
        before = connection.execute("SELECT md5(string_agg(code, ',' ORDER BY id)) FROM t").fetchone()
    assert project.apply(plan, to=Phase.CONTRACT) == "complete"
    project.rollback(plan)
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT md5(string_agg(code, ',' ORDER BY id)) FROM t").fetchone() == before
