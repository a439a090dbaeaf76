"""A corpus of revisions on one project: what each is called, and what the gate says of it."""

from __future__ import annotations

import shutil
import textwrap
from functools import lru_cache
from pathlib import Path

from migrator.check.finding import Finding, Severity
from migrator.check.options import Options, Runner
from migrator.engine.check import judge
from migrator.engine.check_files import Request
from migrator.settings import load_settings
from tests.support.documents import read_yaml

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "check"
FILES = tuple(
    FOLDER / f"revisions{one}.yaml"
    for one in (
        "",
        "_written_blindly",
        "_written_blindly_again",
        "_written_blindly_thirdly",
        "_written_blindly_fourthly",
        "_written_blindly_fifthly",
        "_written_blindly_sixthly",
        "_written_blindly_seventhly",
        "_written_blindly_eighthly",
    )
)
HEAD = (
    "import sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\nfrom alembic import op\n\n"
    "revision = {id!r}\ndown_revision = {down!r}\n\n"
)
Case = dict[str, str]


@lru_cache(maxsize=1)
def entries() -> tuple[Case, ...]:
    """Return the base, on which all others build, and then those."""
    return tuple(one for file in FILES for one in read_yaml(file))


def label(case: Case, runner: Runner) -> bool:
    """Say whether the case is unsafe where `runner` runs it."""
    return case[runner.value] == "unsafe"


def is_open(case: Case, runner: Runner) -> bool:
    """Say whether the gate gets the case wrong so far."""
    return runner.value in case.get("open", "")


def write(folder: Path, name: str, down: str | None, case: Case) -> None:
    """Write the revision's file."""
    functions = "\n\n".join(f"def {one}():\n{textwrap.indent(case[one], '    ')}" for one in ("upgrade", "downgrade"))
    text = HEAD.format(id=name, down=down) + case.get("before", "") + "\n" + functions
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def reasons(project: Path, case: Case, runner: Runner) -> list[Finding]:
    """Return what keeps the gate shut, and what could not be seen."""
    base, *_ = entries()
    versions = project / "versions"
    shutil.rmtree(versions, ignore_errors=True)
    versions.mkdir()
    (project / "env.py").touch()
    (project / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n", encoding="utf-8")
    write(versions, "one", None, base)
    last = "one"
    if "earlier" in case:
        last = "between"
        write(versions, last, "one", {"upgrade": case["earlier"], "downgrade": "pass\n"})
    write(versions, "two", last, case)
    settings = load_settings({"alembic_ini": str(project / "alembic.ini")}, environ={}, cwd=project)
    options = Options(15, None, runner, runner_sets_timeouts=True)
    report = judge(settings, Request(options, options, between=f"{last}:two"))
    return [one for one in report.findings if one.severity is Severity.ERROR or one.rule == "unseen-statements"]
