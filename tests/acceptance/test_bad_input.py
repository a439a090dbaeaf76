"""What a person gets to see who made a mistake, at three in the morning: one clear error, and nothing half-done."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest

from tests.support.cli import run_cli
from tests.support.content import Content, content_of
from tests.support.databases import Database, Templates
from tests.support.project import Project
from tests.support.sessions import blocker

PLAN = """\
plan: sizes
expand:
  - revision: aa01
  - dual_write:
      table: items
      forward: {size: "length(name)"}
      backward: {name: "repeat('x', size)"}
migrate:
  - backfill:
      table: items
      set: {size: "length(name)"}
      where: size IS NULL
  - verify:
      table: items
      none: size IS DISTINCT FROM length(name)
  - gate: the release that reads items.size is live
contract:
  - revision: aa02
    irreversible: name can be made from size
"""
ADD_SIZE = 'op.add_column("items", sa.Column("size", sa.Integer()))'
DROP_SIZE = 'op.drop_column("items", "size")'
DROP_NAME = 'op.drop_column("items", "name")'
ADD_NAME = 'op.add_column("items", sa.Column("name", sa.Text()))'


@pytest.fixture
def items(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    def fill(database: Database) -> None:
        with database.connect() as connection:
            connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
            connection.execute("INSERT INTO items SELECT n, repeat('x', n % 7) FROM generate_series(1, 500) AS n")
            connection.execute("ANALYZE items")

    return database_from(templates.get("items for bad input", fill))


@pytest.fixture
def project(tmp_path: Path, items: Database) -> Project:
    """A project in which everything is right, at the beginning of its plan."""
    project = Project(tmp_path, items.url)
    project.revision("aa01", ADD_SIZE, DROP_SIZE)
    project.revision("aa02", DROP_NAME, ADD_NAME)
    (tmp_path / "plans" / "0001_sizes.yaml").write_text(PLAN)
    return project


def state_of(database: Database) -> tuple[Content, dict[str, list[tuple[object, ...]]]]:
    """Return all that migrator could have changed: the application's schema and rows, and what the ledger says."""
    ledger: dict[str, list[tuple[object, ...]]] = {}
    with database.connect() as connection:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'migrator' AND tablename <> 'ledger_version'"
        for (table,) in connection.execute(tables).fetchall():
            if rows := connection.execute(f"SELECT t::text FROM migrator.{table} AS t ORDER BY 1").fetchall():
                ledger[table] = rows
        return content_of(connection), ledger


Mistake = Callable[[Project], None]


def in_plan(old: str, new: str) -> Mistake:
    def make(project: Project) -> None:
        path = project.folder / "plans" / "0001_sizes.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return make


def whole_plan(text: str) -> Mistake:
    return lambda project: (project.folder / "plans" / "0001_sizes.yaml").write_text(text) and None


def revision(name: str, down: str | None, upgrade: str, downgrade: str) -> Mistake:
    return lambda project: project.rewrite(name, down, upgrade, downgrade)


def file(name: str, text: str) -> Mistake:
    return lambda project: (project.folder / name).write_text(dedent(text)) and None


def without(name: str) -> Mistake:
    return lambda project: (project.folder / name).unlink()


@dataclass(frozen=True)
class Case:
    """A mistake, and what the command must say to it."""

    mistake: Mistake
    exit_code: int
    code: str
    says: str
    helps: str = ""


CASES = {
    "an empty plan file": Case(whole_plan(""), 2, "MG112", "empty"),
    "a list instead of a mapping": Case(whole_plan("- plan: sizes\n"), 2, "MG116", "mapping"),
    "an unknown key": Case(in_plan("where:", "wehre:"), 2, "MG114", "wehre", "did you mean where?"),
    "an unknown revision": Case(in_plan("revision: aa01", "revision: ab01"), 2, "MG171", "ab01", "aa01"),
    "two heads": Case(revision("aa03", "aa01", "pass", "pass"), 2, "MG172", "several heads: aa02, aa03", "merge heads"),
    "an unknown table": Case(in_plan("table: items", "table: itmes"), 2, "MG160", "itmes", "items"),
    "an unknown column": Case(in_plan("set: {size", "set: {sise"), 2, "MG162", "sise", "size"),
    "an unknown column in an expression": Case(
        in_plan('size: "length(name)"}\n      where', 'size: "length(nmae)"}\n      where'), 2, "MG161", "nmae", "name"
    ),
    "broken SQL in an expression": Case(in_plan("where: size IS NULL", "where: size IS IS NULL"), 2, "MG1", "IS IS"),
    "no alembic.ini": Case(without("alembic.ini"), 2, "MG170", "alembic.ini", "--alembic-ini"),
    "a revision file that raises": Case(
        file("versions/aa01.py", 'revision = "aa01"\ndown_revision = None\nraise RuntimeError("no luck")\n'),
        2,
        "MG173",
        "no luck",
    ),
    "a revision file that is no Python": Case(file("versions/aa01.py", "def upgrade(:\n"), 2, "MG173", "aa01"),
    "an env.py that raises": Case(file("env.py", 'raise RuntimeError("no luck")\n'), 2, "MG1", "no luck"),
    "an env.py that is no Python": Case(file("env.py", "def (\n"), 2, "MG1", "env.py"),
    "a script folder that is not there": Case(
        file("alembic.ini", "[alembic]\nscript_location = %(here)s/nowhere\n"), 2, "MG170", "nowhere"
    ),
    "an alembic.ini without its section": Case(file("alembic.ini", "[other]\na = b\n"), 2, "MG170", "script_location"),
    "an upgrade that raises": Case(
        revision("aa01", None, 'raise RuntimeError("no luck")', DROP_SIZE), 2, "MG173", "no luck"
    ),
    "a statement that the database refuses": Case(
        revision("aa01", None, 'op.execute("ALTER TABLE items ADD COLUMN size whatever")', DROP_SIZE),
        5,
        "MG325",
        "whatever",
    ),
    "an empty downgrade": Case(revision("aa01", None, ADD_SIZE, "pass"), 5, "MG330", "empty", "irreversible"),
    "a downgrade that raises": Case(
        revision("aa01", None, ADD_SIZE, "raise NotImplementedError"), 5, "MG330", "raises", "irreversible"
    ),
    "no downgrade": Case(
        file(
            "versions/aa01.py", 'revision = "aa01"\ndown_revision = None\n\n\ndef upgrade() -> None:\n    print("up")\n'
        ),
        5,
        "MG330",
        "no downgrade",
        "irreversible",
    ),
    "a loss of data that nobody asked for": Case(
        in_plan("    irreversible: name can be made from size\n", ""), 5, "MG331", "items.name", "irreversible"
    ),
    "a required plan that is not complete": Case(
        lambda project: (
            (project.folder / "plans" / "0000_first.yaml").write_text("plan: first\nmigrate:\n- gate: now\n"),
            in_plan("plan: sizes\n", "plan: sizes\nrequires: [first]\n")(project),
        )
        and None,
        5,
        "MG328",
        "first",
        "migrator apply first",
    ),
    "a required plan that does not exist": Case(
        in_plan("plan: sizes\n", "plan: sizes\nrequires: [frist]\n"), 2, "MG121", "frist"
    ),
}


def assert_one_clear_error(done: subprocess.CompletedProcess[str], exit_code: int, code: str) -> None:
    print(done.stderr)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert re.match(rf"(error|waiting)\[{code}\d*\]: ", done.stderr), done.stderr
    assert len(re.findall(r"^(?:error|waiting)\[", done.stderr, re.MULTILINE)) == 1, done.stderr
    assert "bug" not in done.stderr


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_clearly_and_changes_nothing(project: Project, items: Database, name: str) -> None:
    case = CASES[name]
    before = state_of(items)
    case.mistake(project)
    done = project.run("apply", "sizes" if "empty plan" not in name else "0001", "--lock-wait", "1s")
    assert_one_clear_error(done, case.exit_code, case.code)
    assert case.says in done.stderr
    assert case.helps in done.stderr
    after = state_of(items)
    assert after[0] == before[0]
