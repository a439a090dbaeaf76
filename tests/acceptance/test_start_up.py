"""A command imports what it needs and no more: each start of it costs that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.project import Project


@pytest.mark.parametrize("command", ["backfill", "verify", "status", "pause"])
def test_what_runs_no_revision_does_not_import_what_revisions_need(project: Project, command: str) -> None:
    assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    program = (
        f"import sys; from migrator.cli import main; main([{command!r}, 'sizes']); "
        "print(sorted({'sqlalchemy', 'alembic', 'rich'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env={**os.environ, "DATABASE_URL": project.url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "[]"


def test_an_upgrade_outside_any_plan_imports_neither_the_plans_nor_what_they_need() -> None:
    program = (
        "import sys, migrator.engine.history; "
        "print(sorted({'migrator.plan', 'pydantic', 'yaml', 'rich'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
