"""The README, tried as a new user would: its commands do what it says, and print what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from docs import capture
from migrator.plan import find_plan, load_plan, plan_document
from tests.support.databases import Database

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
PRODUCTS = 1000
WAITING = 3


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of the repository."""
    return shutil.copytree(ROOT, tmp_path / "checkout", ignore=LEFT_OUT)


def test_every_command_works_and_prints_what_is_shown(checkout: Path, database: Database) -> None:
    capture.fill(database.url, PRODUCTS, checkout)
    commands = [one for one in capture.shown(README) if one.command.startswith("migrator ")]
    assert len(commands) >= 6

    for one in commands:
        done = capture.run(one.command, folder=checkout, url=database.url)
        assert done.returncode in {0, WAITING}, f"{one.command}\n{done.stderr}"
        if one.output:
            assert capture.shape(done.stdout) == capture.shape(one.output), one.command


def test_all_other_commands_are_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    others = [one.command for one in capture.shown(README) if not one.command.startswith("migrator ")]

    assert others
    assert all(command.removeprefix("make ") in targets for command in others)
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets


def test_the_plan_that_is_shown_is_the_plan_that_is_shipped(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(plan: .*?)^```$", README, re.MULTILINE | re.DOTALL)
    path = tmp_path / "0002_product_tags.yaml"
    path.write_text(block, encoding="utf-8")
    shipped = find_plan("product-tags", ROOT / "plans")

    assert plan_document(load_plan(path)) == plan_document(load_plan(shipped))
    assert yaml.safe_load(block)["summary"] == yaml.safe_load(shipped.read_text())["summary"]
