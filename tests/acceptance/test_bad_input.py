"""What a person gets to see who made a mistake, at three in the morning: one clear error, and nothing half-done."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.acceptance.sizes import ADD_SIZE, DROP_SIZE, PLAN, state_of
from tests.support.cli import run_cli
from tests.support.databases import Database
from tests.support.project import Project
from tests.support.servers import OwnServer
from tests.support.sessions import blocker

PASSWORD = "s3cret@/: %word"

Mistake = Callable[[Project], None]


def in_plan(old: str, new: str) -> Mistake:
    def make(project: Project) -> None:
        path = project.folder / "plans" / "0001_sizes.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return make


def file(name: str, text: str) -> Mistake:
    def make(project: Project) -> None:
        (project.folder / name).write_text(text)

    return make


def whole_plan(text: str) -> Mistake:
    return file("plans/0001_sizes.yaml", text)


def both(one: Mistake, other: Mistake) -> Mistake:
    def make(project: Project) -> None:
        one(project)
        other(project)

    return make


def revision(name: str, down: str | None, upgrade: str, downgrade: str) -> Mistake:
    return lambda project: project.rewrite(name, down, upgrade, downgrade)


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
    "a list instead of a mapping": Case(whole_plan("- plan: sizes\n"), 2, "MG116", "mapping", "without a dash"),
    "an unknown key": Case(in_plan("where:", "wehre:"), 2, "MG114", "wehre", "did you mean where?"),
    "an unknown revision": Case(in_plan("revision: aa01", "revision: ab01"), 2, "MG171", "ab01", "aa01"),
    "two heads": Case(revision("aa03", "aa01", "pass", "pass"), 2, "MG172", "several heads: aa02, aa03", "merge heads"),
    "an unknown table": Case(in_plan("table: items", "table: itmes"), 2, "MG160", "itmes", "items"),
    "an unknown column": Case(in_plan("set: {size", "set: {sise"), 2, "MG162", "sise", "size"),
    "an unknown column in an expression": Case(
        in_plan('size: "length(name)"}\n      where', 'size: "length(nmae)"}\n      where'),
        2,
        "MG162",
        "nmae",
        "did you mean name?",
    ),
    "a function that is not there": Case(in_plan('size: "length(', 'size: "lenght('), 2, "MG164", "lenght"),
    "broken SQL in an expression": Case(in_plan("where: size IS NULL", "where: size IS IS NULL"), 2, "MG142", "IS IS"),
    "no alembic.ini": Case(without("alembic.ini"), 2, "MG170", "alembic.ini", "--alembic-ini"),
    "a revision file that raises": Case(
        file("versions/aa01.py", 'revision = "aa01"\ndown_revision = None\nraise RuntimeError("no luck")\n'),
        2,
        "MG173",
        "aa01.py:3",
    ),
    "a revision file that is no Python": Case(file("versions/aa01.py", "def upgrade(:\n"), 2, "MG173", "aa01.py:1"),
    "an env.py that raises": Case(file("env.py", 'raise RuntimeError("no luck")\n'), 2, "MG173", "env.py:1"),
    "an env.py that is no Python": Case(file("env.py", "def (\n"), 2, "MG173", "env.py:1"),
    "a script folder that is not there": Case(
        file("alembic.ini", "[alembic]\nscript_location = %(here)s/nowhere\n"), 2, "MG170", "nowhere"
    ),
    "an alembic.ini without its section": Case(file("alembic.ini", "[other]\na = b\n"), 2, "MG170", "script_location"),
    "an upgrade that raises": Case(
        revision("aa01", None, 'raise RuntimeError("no luck")', DROP_SIZE), 2, "MG173", "aa01.py:11", "correct the file"
    ),
    "a statement that the database refuses": Case(
        revision("aa01", None, f"{ADD_SIZE}\nop.execute('UPDATE items SET id = 1')", DROP_SIZE),
        5,
        "MG325",
        "items_pkey",
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
        both(
            file("plans/0000_first.yaml", "plan: first\nmigrate:\n- gate: now\n"),
            in_plan("plan: sizes\n", "plan: sizes\nrequires: [first]\n"),
        ),
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
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert re.findall(r"^(?:error|waiting)\[(MG\d+)\]: ", done.stderr, re.MULTILINE) == [code], done.stderr
    assert f"more: migrator explain {code}" in done.stderr


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_the_project_is_told_clearly_and_changes_nothing(
    project: Project, items: Database, name: str
) -> None:
    case = CASES[name]
    content, _ = state_of(items)
    case.mistake(project)
    done = project.run("apply", "plans/0001_sizes.yaml")
    assert_one_clear_error(done, case.exit_code, case.code)
    assert case.says in done.stderr
    assert case.helps in done.stderr.partition("help:")[2]
    after, ledger = state_of(items)
    assert after == content
    # A run that has begun is there to be resumed; one that could not begin has left nothing.
    begun = {"runs", "steps", "events", "controls", "shapes"}
    assert set(ledger) <= (begun if "run 1 starts" in done.stderr else set())


def test_a_plan_that_is_not_found_is_told_with_the_nearest_name(project: Project) -> None:
    done = project.run("apply", "size")
    assert_one_clear_error(done, 2, "MG111")
    assert "did you mean sizes?" in done.stderr


def test_a_plan_whose_name_cannot_be_read_is_pointed_out_when_no_name_fits(project: Project) -> None:
    whole_plan("- plan: sizes\n")(project)
    done = project.run("apply", "sizes")
    assert_one_clear_error(done, 2, "MG111")
    assert "the name in 0001_sizes.yaml could not be read" in done.stderr


def test_several_mistakes_are_told_at_once_and_each_of_them_once(project: Project) -> None:
    in_plan("table: items", "table: itmes")(project)
    done = project.run("apply", "sizes")
    assert_one_clear_error(done, 2, "MG160")
    assert "did you mean items?" in done.stderr
    assert re.findall(r"the same at 0001_sizes.yaml:(\d+)", done.stderr) == ["9", "13"]


def test_the_plan_command_tells_the_same_mistakes(project: Project, items: Database) -> None:
    in_plan("set: {size", "set: {sise")(project)
    done = project.run("plan", "sizes")
    assert_one_clear_error(done, 2, "MG162")
    assert items.connect().execute("SELECT to_regnamespace('migrator')").fetchone() == (None,)


WRONG_URLS = {
    "no colon": ("postgresql//ann:hunter2@127.0.0.1/shop", 2, "MG150"),
    "another database": ("mysql://ann:hunter2@127.0.0.1/shop", 2, "MG150"),
    "no scheme": ("ann:hunter2@127.0.0.1/shop", 2, "MG150"),
    "a port that is no number": ("postgresql://ann:hunter2@127.0.0.1:54x2/shop", 2, "MG150"),
    "an unknown option": ("postgresql://ann:hunter2@127.0.0.1/shop?colour=red", 2, "MG150"),
    "a misspelt keyword": ("host=127.0.0.1 password=hunter2 dbnam=shop", 2, "MG150"),
    "an @ in the password": ("postgresql://ann:hun@hunter2@127.0.0.1/shop", 2, "MG150"),
    "a slash in the password": ("postgresql://ann:hunter2/x@127.0.0.1/shop", 2, "MG150"),
    "nobody there": ("postgresql://ann:hunter2@127.0.0.1:1/shop", 4, "MG201"),
    "an unknown host": ("postgresql://ann:hunter2@nowhere.invalid/shop", 4, "MG201"),
}


@pytest.mark.parametrize("name", WRONG_URLS)
def test_a_wrong_address_is_told_without_its_password(project: Project, name: str) -> None:
    url, exit_code, code = WRONG_URLS[name]
    done = run_cli(["apply", "sizes", "--format", "json"], cwd=project.folder, env={"DATABASE_URL": url})
    assert_one_clear_error(done, exit_code, code)
    assert json.loads(done.stdout)["error"]["code"] == code
    assert "hunter2" not in done.stdout + done.stderr


def test_an_unknown_database_is_told(project: Project, items: Database) -> None:
    done = run_cli(["apply", "sizes"], cwd=project.folder, env={"DATABASE_URL": f"{items.url}_not"})
    assert_one_clear_error(done, 2, "MG151")
    assert f'database "{items.name}_not" does not exist' in done.stderr


@pytest.fixture
def guarded(own_server: OwnServer) -> OwnServer:
    """A server that asks `ann` for her password, which has signs in it that a URL must encode."""
    rules = own_server.data / "pg_hba.conf"
    with rules.open("r+") as open_rules:
        before = open_rules.read()
        open_rules.seek(0)
        open_rules.write(f"host all ann 127.0.0.1/32 scram-sha-256\n{before}")
    with own_server.connect() as connection:
        connection.execute(f"CREATE ROLE ann SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("SELECT pg_reload_conf()")
    return own_server


def address_of(server: OwnServer, password: str) -> str:
    return server.url.replace("postgres@", f"ann:{quote(password, safe='')}@")


def test_a_wrong_password_is_told_and_not_shown(guarded: OwnServer, tmp_path: Path) -> None:
    project = Project(tmp_path, address_of(guarded, "wrong/hunter2"))
    project.plan("sizes", PLAN.partition("\n")[2])
    done = project.run("apply", "sizes")
    assert_one_clear_error(done, 2, "MG151")
    assert 'authentication failed for user "ann"' in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_the_password_is_nowhere_to_be_seen(guarded: OwnServer, tmp_path: Path) -> None:
    project = Project(tmp_path, address_of(guarded, PASSWORD))
    project.revision("aa01", ADD_SIZE, 'raise RuntimeError("url: " + str(op.get_bind().engine.url))')
    project.plan("sizes", "expand:\n- revision: aa01\n  irreversible: a test\nmigrate:\n- gate: now\n")
    with guarded.connect() as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
        with blocker(guarded.url, "LOCK TABLE items"), project.start("apply", "sizes") as running:
            running.wait_for("could not lock")
            processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
            sessions = str(connection.execute("SELECT * FROM pg_stat_activity").fetchall())
        done = project.run("apply", "sizes", "--format", "json")
        assert done.returncode == 3, done.stderr
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'migrator'").fetchall()
        ledger = [connection.execute(f"SELECT t::text FROM migrator.{table} AS t").fetchall() for (table,) in tables]
    seen = [processes, sessions, running.stdout, running.stderr, done.stdout, done.stderr, str(ledger), guarded.log]
    for password in (PASSWORD, quote(PASSWORD, safe="")):
        assert [password in text for text in seen] == [False] * len(seen)


def test_a_server_that_goes_away_leaves_a_run_that_can_be_resumed(own_server: OwnServer, tmp_path: Path) -> None:
    with own_server.connect() as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
    project = Project(tmp_path, own_server.url)
    project.revision("aa01", ADD_SIZE, DROP_SIZE)
    project.plan("sizes", "expand:\n- revision: aa01\nmigrate:\n- gate: now\n")
    with blocker(own_server.url, "LOCK TABLE items") as held, project.start("apply", "sizes") as running:
        running.wait_for("could not lock")
        own_server.kill_immediate()
        held.close()
        assert running.wait() == 4
    assert "Traceback" not in running.stderr
    assert "run the same command again" in running.stderr
    own_server.start()
    assert project.run("apply", "sizes").returncode == 3


def test_a_plan_that_was_changed_after_its_run_began_is_refused_with_what_changed(
    project: Project, items: Database
) -> None:
    assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    before = state_of(items)
    in_plan("where: size IS NULL", "where: size IS NULL OR size < 0")(project)
    done = project.run("apply", "sizes")
    assert_one_clear_error(done, 5, "MG304")
    assert "size IS NULL OR size < 0" in done.stderr
    assert "migrator rollback sizes" in done.stderr.partition("help:")[2]
    assert state_of(items) == before


def test_of_two_applies_at_once_one_works_and_the_other_says_who_holds_the_database(
    project: Project, items: Database
) -> None:
    with blocker(items.url, "LOCK TABLE items") as held, project.start("apply", "sizes") as first:
        first.wait_for("could not lock")
        second = project.run("apply", "sizes")
        held.rollback()
        assert first.wait() == 3
    assert_one_clear_error(second, 5, "MG301")
    assert re.search(r"held by: pid \d+, migrator apply sizes \(lock\), user \w+, for ", second.stderr)
    assert "migrator status" in second.stderr.partition("help:")[2]


def test_a_backfill_before_its_expand_is_refused(project: Project, items: Database) -> None:
    content, _ = state_of(items)
    done = project.run("backfill", "sizes")
    assert_one_clear_error(done, 5, "MG327")
    assert "migrator apply sizes --to expand" in done.stderr.partition("help:")[2]
    assert state_of(items)[0] == content


@pytest.mark.parametrize("begun", [False, True])
def test_approving_where_there_is_no_gate_yet_is_refused(project: Project, items: Database, begun: bool) -> None:
    if begun:
        assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    before = state_of(items)
    done = project.run("approve", "sizes")
    assert_one_clear_error(done, 2, "MG163")
    assert "migrator apply sizes" in done.stderr.partition("help:")[2]
    assert state_of(items) == before


def test_a_rollback_without_terminal_wants_the_decision_on_the_command_line(project: Project, items: Database) -> None:
    assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    before = state_of(items)
    done = project.run("rollback", "sizes")
    assert_one_clear_error(done, 2, "MG102")
    assert "migrator rollback sizes --to start --yes" in done.stderr.partition("help:")[2]
    assert state_of(items) == before


def test_rows_that_are_not_as_the_plan_says_end_the_run_before_the_gate(project: Project, items: Database) -> None:
    in_plan("none: size IS DISTINCT FROM length(name)", "none: id = 77 OR id = 78")(project)
    done = project.run("apply", "sizes")
    assert_one_clear_error(done, 1, "MG401")
    assert "2 of 500 rows of items" in done.stderr
    assert "keys: 77, 78" in done.stderr
