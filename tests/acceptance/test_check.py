"""`migrator check` as a CI job runs it: a process, files, an exit code; no database anywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import ROOT, run_cli

INI = "[alembic]\nscript_location = %(here)s/migrations\n"
HEAD = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = {id!r}\ndown_revision = {down!r}\n\n\n"
GOOD = (
    "def upgrade():\n    op.add_column('orders', sa.Column('note', sa.Text()))\n\n\n"
    "def downgrade():\n    op.drop_column('orders', 'note')\n"
)
Check = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose only revision creates a table."""
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "plans").mkdir()
    (tmp_path / "alembic.ini").write_text(INI)
    body = (
        "def upgrade():\n    op.create_table('orders', sa.Column('id', sa.BigInteger(), primary_key=True))\n\n\n"
        "def downgrade():\n    op.drop_table('orders')\n"
    )
    revision(tmp_path, "a1", None, body)
    return tmp_path


def revision(project: Path, name: str, down: str | None, body: str) -> Path:
    path = project / "migrations" / "versions" / f"{name}_change.py"
    path.write_text(HEAD.format(id=name, down=down) + body)
    return path


@pytest.fixture
def check(project: Path) -> Check:
    """Return what runs the command there, giving its exit code and findings."""

    def run(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
        done = run_cli(["check", "--format", "json", *arguments], cwd=project)
        assert "Traceback" not in done.stderr
        found = json.loads(done.stdout).get("findings") if done.returncode in (0, 1) else []
        return done.returncode, list(found or ())

    return run


def rules(findings: list[dict[str, Any]]) -> list[str]:
    return [one["rule"] for one in findings]


def test_a_clean_history_passes(project: Path, check: Check) -> None:
    revision(project, "b2", "a1", GOOD)

    assert check() == (0, [])


def test_a_project_without_plans_is_checked_without_what_plans_servers_and_colours_need(project: Path) -> None:
    code = (
        "import sys; from migrator.cli.main import main; code = main(['check', '--fail-on', 'warning']); "
        "print(code, sorted({'psycopg', 'pydantic', 'yaml', 'rich', 'pygments', 'postgast.nodes'} & set(sys.modules)))"
    )
    (project / "plans").rmdir()

    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_planted_irreversible_revision_fails_the_gate_of_the_catalog(tmp_path: Path) -> None:
    for name in ("catalog_schema", "plans", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    clean = run_cli(["check"], cwd=tmp_path)
    planted = tmp_path / "catalog_schema" / "versions" / "2026_12_24_c0ffee000001_planted.py"
    body = "def upgrade():\n    op.drop_column('products', 'title')\n\n\ndef downgrade():\n    pass\n"
    planted.write_text(HEAD.format(id="c0ffee000001", down="0d7e3c51ba98") + body)

    done = run_cli(["check", "--format", "github"], cwd=tmp_path)

    assert clean.returncode == 0, clean.stdout
    assert done.returncode == 1
    assert f"::error file={planted.relative_to(tmp_path)},line=9,col=5,title=drop-column" in done.stdout
    assert "title=missing-downgrade" in done.stdout


def test_a_finding_in_a_revision_names_the_line_of_the_python_call(project: Path, check: Check) -> None:
    body = (
        "def upgrade():\n    op.rename_table('orders', 'purchases')\n\n\n"
        "def downgrade():\n    op.rename_table('purchases', 'orders')\n"
    )
    path = revision(project, "b2", "a1", body)

    code, found = check()

    assert code == 1
    assert [(one["rule"], one["line"], one["revision"]) for one in found] == [
        ("rename-table", 9, "b2"),
    ]
    assert found[0]["path"] == str(path.relative_to(project))
    assert found[0]["statement"] == "ALTER TABLE orders RENAME TO purchases"


def test_who_runs_a_revision_decides_what_is_safe(project: Path, check: Check) -> None:
    body = (
        "def upgrade():\n    op.create_index('i', 'orders', ['id'])\n\n\n"
        "def downgrade():\n    op.drop_index('i', 'orders')\n"
    )
    revision(project, "b2", "a1", body)

    assert check()[0] == 0
    code, found = check("--for", "alembic", "--runner-sets-timeouts")
    assert code == 1
    assert rules(found) == ["create-index-blocking", "drop-index-blocking"]


def test_tables_are_in_use_in_the_next_revision_but_new_within_one_release(project: Path, check: Check) -> None:
    body = (
        "def upgrade():\n    op.drop_table('orders')\n\n\n"
        "def downgrade():\n    op.create_table('orders', sa.Column('id', sa.BigInteger(), primary_key=True))\n"
    )
    revision(project, "b2", "a1", body)

    assert rules(check()[1]) == ["drop-table"]
    assert check("--revisions", "base:b2") == (0, [])
    assert rules(check("--revisions", "a1:b2")[1]) == ["drop-table"]
    assert check("--revisions", "nonsense:b2")[0] == 2


@pytest.mark.parametrize(
    ("change", "archive", "rule"),
    [
        (("ALTER TABLE orders DROP note", "ALTER TABLE orders ADD note text"), "public.orders.note", "drop-column"),
        (("DROP TYPE mood", "CREATE TYPE mood AS ENUM ()"), "mood", "drop-object"),
        (("DROP DOMAIN code", "CREATE DOMAIN code AS text"), "code", "drop-object"),
    ],
)
def test_a_plan_accepts_what_its_contract_archives(
    project: Path, check: Check, change: tuple[str, str], archive: str, rule: str
) -> None:
    body = "def upgrade():\n    op.execute({!r})\n\n\ndef downgrade():\n    op.execute({!r})\n"
    types = (
        "CREATE TYPE mood AS ENUM (); CREATE DOMAIN code AS text; ALTER TABLE orders ADD note text",
        "ALTER TABLE orders DROP note; DROP TYPE mood; DROP DOMAIN code",
    )
    revision(project, "b2", "a1", body.format(*types))
    revision(project, "c3", "b2", body.format(*change))
    plan = project / "plans" / "0001_note.yaml"
    steps = "plan: note\nexpand:\n  - revision: b2\nmigrate:\n  - gate: nobody reads it\ncontract:\n  - revision: c3\n"
    plan.write_text(steps)
    without = rules(check()[1])
    plan.write_text(steps + f"    archive: [{archive}]\n")

    assert sorted(without) == sorted(["contract-without-way-back", rule])
    assert check() == (0, [])


BACKFILLS = {
    "set: {noet: upper(code)}": ["unknown-object"],
    "set: {note: upper(code)}\n      where: noet IS NULL": ["unknown-object"],
    "set: {size: \"'large'\"}": ["value-refused"],
    "into: orders_2\n      set: {id: id, order_id: id}": ["unknown-object"],
    "into: orders_2\n      set: {id: id, code: upper(coed)}": ["unknown-object"],
    "set: {note: upper(coed)}": ["unknown-object"],
    "sql: UPDATE orders SET noet = 'x' WHERE id BETWEEN :first AND :last": ["unknown-object"],
    "delete: true\n      where: noet IS NULL\n      irreversible: all of it is in orders_2": ["unknown-object"],
    "from: orders_2\n      join: orders_2.id = orders.id\n      set: {noet: orders_2.code}": ["unknown-object"],
    "set: {note: upper(code)}\n      where: note IS NULL": [],
    "set: {note: code, size: 3}": [],
    "into: orders_2\n      set: {id: id, code: code}": [],
    "into: orders_2\n      set: {id: id, code: code}\n      on_conflict: {key: [id], update: {code: excluded.id}}": [],
    "into: orders_2\n      set: {id: id}\n      on_conflict: {key: [code], update: {id: excluded.id}}": [
        "value-refused"
    ],
    "from: orders_2\n      join: orders_2.id = orders.id\n      set: {note: orders_2.code}": [],
    "sql: UPDATE orders SET note = code WHERE id BETWEEN :first AND :last": [],
    "python: notes:fill\n      read: [code]\n      write: [note]": [],
    "delete: true\n      where: note IS NULL\n      irreversible: all of it is in orders_2": [],
}


@pytest.mark.parametrize("backfill", BACKFILLS)
def test_a_backfill_is_judged_on_the_schema_that_its_plan_has_made_by_then(
    project: Path, check: Check, backfill: str
) -> None:
    body = "def upgrade():\n    op.execute({!r})\n\n\ndef downgrade():\n    op.execute({!r})\n"
    added = "ALTER TABLE orders ADD COLUMN note text, ADD COLUMN size int, ADD COLUMN code text"
    taken = "ALTER TABLE orders DROP COLUMN note, DROP COLUMN size, DROP COLUMN code"
    made = "CREATE TABLE orders_2 (id bigint PRIMARY KEY, code text)"
    revision(project, "b2", "a1", body.format(made, "DROP TABLE orders_2"))
    revision(project, "c3", "b2", body.format(added, taken))
    plan = project / "plans" / "0001_note.yaml"
    steps = "expand:\n  - revision: b2\n  - revision: c3\nmigrate:\n  - backfill:\n      table: orders\n"
    plan.write_text(f"plan: note\n{steps}      {backfill}\n")
    code, found = check()

    assert (code, rules(found)) == (int(bool(BACKFILLS[backfill])), BACKFILLS[backfill])
    assert all((one["path"], one["line"]) == ("plans/0001_note.yaml", 6) for one in found)


def test_a_broken_history_is_reported_and_the_rest_is_still_checked(project: Path, check: Check) -> None:
    revision(
        project,
        "b2",
        "a1",
        "def upgrade():\n    op.drop_table('customers')\n\n\ndef downgrade():\n    raise RuntimeError\n",
    )
    revision(project, "b3", "a1", "import nothing_of_this_name\n" + GOOD)
    revision(project, "c4", "gone", GOOD)
    revision(project, "d5", "d6", GOOD)
    revision(project, "d6", "d5", GOOD)

    code, found = check()

    assert code == 1
    assert {"drop-table", "missing-downgrade", "broken-history", "several-heads"} <= set(rules(found))
    assert sum(one["rule"] == "broken-history" for one in found) == 4


def test_a_drop_of_what_the_models_still_map_is_reported_and_no_server_is_asked(project: Path, check: Check) -> None:
    (project / "models.py").write_text(
        "import sqlalchemy as sa\nmetadata = sa.MetaData()\n"
        "orders = sa.Table('orders', metadata, sa.Column('id', sa.BigInteger), sa.Column('note', sa.Text))\n"
    )
    (project / "migrations" / "env.py").write_text(
        "import os, sys\nsys.path.insert(0, os.getcwd())\nimport sqlalchemy as sa\nfrom alembic import context\n"
        "import models\nengine = sa.create_engine('postgresql+psycopg://nobody@192.0.2.1/nothing')\n"
        "if not context.is_offline_mode():\n    engine.connect()\n"
        "context.configure(url='postgresql://', target_metadata=models.metadata)\n"
    )
    revision(project, "b2", "a1", GOOD)
    body = (
        "def upgrade():\n    op.drop_column('orders', 'note')  # migrator: allow drop-column because it is empty\n\n\n"
        "def downgrade():\n    op.add_column('orders', sa.Column('note', sa.Text()))\n"
    )
    path = revision(project, "c3", "b2", body)

    code, found = check()

    assert code == 1
    assert [(one["rule"], one["path"], one["line"]) for one in found] == [
        ("drop-still-mapped", str(path.relative_to(project)), 9)
    ]
    assert "orders.note" in found[0]["message"]


def test_what_depends_on_rows_is_said_not_to_have_been_seen(project: Path, check: Check) -> None:
    by_rows = (
        "    for row in op.get_bind().execute(sa.text('SELECT id FROM orders')):\n"
        "        op.execute(f'DELETE FROM orders WHERE id = {row.id}')\n"
    )
    revision(project, "b2", "a1", f"def upgrade():\n{by_rows}\n\ndef downgrade():\n{by_rows}")

    code, found = check()

    assert code == 0
    assert rules(found) == ["unseen-statements", "unseen-statements"]
    assert check("--fail-on", "warning")[0] == 1


def test_a_revision_that_sends_what_is_not_sql_does_not_pass(project: Path, check: Check) -> None:
    path = revision(project, "b2", "a1", "def upgrade():\n    op.execute('SELEC 1')\n\n\ndef downgrade():\n    pass\n")

    code, found = check()

    assert code == 1
    assert [(one["rule"], one["path"], one["line"]) for one in found] == [
        ("unseen-statements", str(path.relative_to(project)), 9)
    ]


def test_only_what_a_branch_adds_is_checked(project: Path, check: Check) -> None:
    revision(project, "b2", "a1", "def upgrade():\n    op.drop_table('customers')\n\n\ndef downgrade():\n    pass\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "old"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    revision(project, "c3", "b2", GOOD)

    assert check("--since", "main") == (0, [])
    assert check()[0] == 1
    assert check("--since", "nothing-of-this-name")[0] == 2


def test_files_that_cannot_be_read_are_findings_and_the_others_are_checked(project: Path, check: Check) -> None:
    folder = project / "sql"
    folder.mkdir()
    (folder / "a.sql").write_text("SELEC 1;")
    (folder / "b.sql").write_bytes(b"\xff\xfe")
    (folder / "c.sql").write_text("DROP TABLE orders;")
    with (folder / "d.sql").open("w") as file:
        file.writelines("INSERT INTO a VALUES (1);\n" for _ in range(2_000_000))

    code, found = check(folder, "--pg-version", "15", "--runner-sets-timeouts")

    assert code == 1
    assert rules(found) == ["unreadable-input", "unreadable-input", "drop-table", "unreadable-input"]


def test_a_dump_decides_what_the_text_alone_does_not(project: Path, check: Check) -> None:
    change, dump = project / "change.sql", project / "dump.sql"
    change.write_text("ALTER TABLE customers ALTER COLUMN email TYPE varchar(320);")
    dump.write_text("CREATE TABLE customers (email varchar(80));")

    assert rules(check(change, "--runner-sets-timeouts")[1]) == ["change-column-type"]
    assert check(change, "--runner-sets-timeouts", "--schema", dump) == (0, [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing.sql",),
        ("alembic.ini",),
        ("--pg-version", "9"),
        ("--with", "no-such-rule"),
        ("--baseline", "alembic.ini"),
        ("--revisions", "a1"),
    ],
)
def test_a_bad_invocation_is_one_error_with_exit_code_2(check: Check, arguments: tuple[str, ...]) -> None:
    assert check(*arguments)[0] == 2


def test_a_baseline_accepts_an_old_history_and_fails_on_what_is_new(project: Path, check: Check) -> None:
    revision(project, "b2", "a1", "def upgrade():\n    op.drop_table('customers')\n\n\ndef downgrade():\n    pass\n")

    assert check("--write-baseline", "known.json")[0] == 0
    assert check("--baseline", "known.json") == (0, [])
    revision(project, "c3", "b2", "def upgrade():\n    op.drop_table('orders')\n\n\ndef downgrade():\n    pass\n")
    assert rules(check("--baseline", "known.json")[1]) == ["drop-table", "missing-downgrade"]


@pytest.mark.parametrize("where", ["beside", "top"])
def test_a_statement_that_is_to_run_as_it_is_written_is_accepted_with_its_reason(
    project: Path, check: Check, where: str
) -> None:
    because = "# migrator: plain because nobody is there at night"
    change = "op.alter_column('orders', 'id', type_=sa.Text())"
    body = (
        f"{because * (where == 'top')}\n\n\ndef upgrade():\n    {change}  {because * (where == 'beside')}\n\n\n"
        "def downgrade():\n    op.execute('SELECT 1')\n"
    )
    revision(project, "b2", "a1", body)
    _, findings = check("--revisions", "a1:b2")
    assert "change-column-type" not in rules(findings)
    revision(project, "b2", "a1", body.replace(because, ""))
    _, without = check("--revisions", "a1:b2")
    assert "change-column-type" in rules(without)
