"""A team that only has its Alembic history: no plans, and no folder for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.databases import Database
from tests.support.project import Project

BROKEN = 'op.execute("ALTER TABLE items CONVERT TO utf8")'


@pytest.fixture
def project(tmp_path: Path, database: Database) -> Project:
    with database.connect() as connection:
        connection.execute("CREATE TABLE items AS SELECT n AS id FROM generate_series(1, 10) n")
    made = Project(tmp_path, database.url)
    (made.folder / "plans").rmdir()
    (made.folder / "migrator.toml").write_text('alembic_ini = "alembic.ini"\n')
    return made


def test_status_shows_a_revision_that_is_half_applied_and_how_to_go_on(project: Project) -> None:
    project.sql_revision("aa01", ["CREATE INDEX one ON items (id)", "SELECT 1 / 0"], ["DROP INDEX one"])
    assert project.run("status", "--exit-code").returncode == 0
    assert project.run("upgrade", "head").returncode == 5
    shown = project.run("status", "--exit-code")
    assert shown.returncode == 3
    assert "revision aa01: its upgrade is committed only in part" in shown.stdout
    assert "next: migrator upgrade aa01" in shown.stdout
    assert project.run("downgrade", "--", "-1").returncode == 0
    assert "aa01" not in project.run("status", "--exit-code").stdout


def test_a_folder_of_plans_that_was_asked_for_has_to_be_there(project: Project) -> None:
    (project.folder / "migrator.toml").write_text('alembic_ini = "alembic.ini"\nplans = "plan"\n')
    missing = project.run("status")
    assert (missing.returncode, "error[MG111]" in missing.stderr) == (2, True), missing.stderr


def test_a_statement_that_is_not_sql_is_told_with_its_line_and_is_not_sent(
    project: Project, database: Database
) -> None:
    project.revision("aa01", f'op.execute("CREATE TABLE more (id int)")\n{BROKEN}', "pass")
    done = project.run("upgrade", "head")
    assert (done.returncode, "error[MG325]" in done.stderr) == (5, True), done.stderr
    written = (project.folder / "versions" / "aa01.py").read_text().splitlines()
    assert f"aa01.py:{next(n for n, text in enumerate(written, 1) if 'CONVERT' in text)}:5" in done.stderr
    assert "CONVERT" in done.stderr
    assert database.connect().execute("SELECT to_regclass('more')").fetchone() == (None,)
