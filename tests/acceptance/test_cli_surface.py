from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
UNREACHABLE = "postgresql://ann:hunter2@127.0.0.1:1/shop"
PLAN = "plan: tags\nexpand:\n  - revision: 4c1f0a9be2d7\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one plan and no settings."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "0001_tags.yaml").write_text(PLAN)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    foreign = ("MIGRATOR_", "DATABASE_URL", "PG", "COLUMNS", "NO_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | more


@pytest.fixture
def run(project: Path) -> Run:
    """Return what runs the command as a process in the project."""

    def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "migrator", *arguments],
            cwd=project,
            env=environment(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


def test_the_help_is_there_at_once(run: Run) -> None:
    def seconds() -> float:
        started = time.monotonic()
        assert run("--help").returncode == 0
        return time.monotonic() - started

    # The best of some: the machine may be busy with other tests, the command must not be.
    assert min(seconds() for _ in range(5)) < 1


def test_the_help_imports_nothing_that_takes_long(project: Path) -> None:
    code = (
        "import sys; from migrator.cli import main; main(['--help']); "
        "print(sorted({'psycopg', 'sqlalchemy', 'alembic', 'pydantic', 'yaml', 'rich', 'postgast'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_an_answer(run: Run) -> None:
    done = run("--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"migrator \d+\.\d+\.\S+\n", done.stdout)


def test_an_unknown_option_exits_2_with_the_nearest_one(run: Run) -> None:
    done = run("status", "--formt", "json")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error[MG101]: no such option: --formt\n"
        "  help: did you mean --format? See: migrator status --help\n"
        "  more: migrator explain MG101\n"
    )


def test_a_missing_plan_exits_2(run: Run) -> None:
    done = run("apply", "tgas", "--database-url", UNREACHABLE)

    assert done.returncode == 2
    assert re.search(r"^  help: did you mean .*tags", done.stderr, re.MULTILINE)


def test_a_missing_database_exits_2_and_says_how_to_name_one(run: Run) -> None:
    done = run("status")

    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr


@pytest.mark.parametrize("command", [["plan", "tags"], ["apply", "0001"], ["status"], ["rollback", "tags", "--yes"]])
def test_a_server_that_is_down_exits_4_without_the_password_in_any_output(run: Run, command: list[str]) -> None:
    done = run(*command, "--format", "json", MIGRATOR_DATABASE_URL=UNREACHABLE)

    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["exit_code"] == 4
    assert re.match(r"error\[MG2\d\d\]: ", done.stderr)
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_rollback_without_a_terminal_wants_the_decision_on_the_command_line(run: Run) -> None:
    done = run("rollback", "tags", "--to", "expand", "--database-url", UNREACHABLE)

    assert done.returncode == 2
    assert "migrator rollback tags --to expand --yes" in done.stderr


def test_output_for_a_pipeline_is_neither_coloured_nor_wrapped(run: Run) -> None:
    done = run("explain", "list", COLUMNS="40", TERM="xterm-256color")

    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert all(re.match(r"MG\d{3}  exit +\d+  \S", line) for line in done.stdout.splitlines())


def test_output_fits_any_encoding(run: Run, project: Path) -> None:
    (project / "plans" / "0001_tags.yaml").write_text("plan: Größe\n", encoding="utf-8")

    done = run("plan", "0001", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.returncode == 2
    assert "plan: Gr\\xf6\\xdfe" in done.stderr


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "migrator", "explain", "list"],
            cwd=project,
            env=environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stderr) == (141, "")


def test_exactly_one_demonstration_is_installed_here() -> None:
    from importlib.metadata import entry_points

    assert len(entry_points(group="migrator.demo")) == 1
