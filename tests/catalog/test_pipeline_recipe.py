"""The recipe of docs/howto/pipelines.md, run from the page itself, between writes of old and new application code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.catalog import plain_plans
from tests.catalog.alembic_steps import ROOT
from tests.support.databases import Database, Templates

PAGE = (ROOT / "docs" / "howto" / "pipelines.md").read_text("utf-8")
STAGES = re.findall(r"^## Stage \d.*?^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
JQ = """\
#!{python}
import json, sys
print(json.load(sys.stdin)["runs"][0]["state"])
"""


@pytest.fixture
def catalog(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    return database_from(
        templates.get("catalog before product-tags", lambda empty: plain_plans.build(empty, "product-tags"))
    )


def stage(number: int, url: str, folder: Path) -> None:
    """Run the commands of a stage as a job does: the first that fails ends it."""
    programs = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    if not (folder / "jq").exists():  # not everywhere installed; this answers the one question of the page
        (folder / "jq").write_text(JQ.format(python=sys.executable))
        (folder / "jq").chmod(0o755)
    environment = {**os.environ, "PATH": ":".join(programs), "DATABASE_URL": url, "RELEASE": "42"}
    done = subprocess.run(
        ["sh", "-eu", "-c", STAGES[number - 1]], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_three_stages_of_the_page_change_the_schema_beside_the_application(
    catalog: Database, tmp_path: Path
) -> None:
    connection = catalog.connect()
    stage(1, catalog.url, tmp_path)
    connection.execute("UPDATE products SET legacy_tags = 'old,code' WHERE id = 1")
    stage(2, catalog.url, tmp_path)
    assert connection.execute("SELECT tags FROM products WHERE id = 1").fetchone() == (["old", "code"],)
    connection.execute("UPDATE products SET tags = '{new,code}' WHERE id = 2")
    assert connection.execute("SELECT legacy_tags FROM products WHERE id = 2").fetchone() == ("new,code",)
    stage(3, catalog.url, tmp_path)
    approved = connection.execute("SELECT approved_by, note FROM migrator.approvals").fetchone()
    assert approved == ("release pipeline", "42 is live everywhere")
