"""The gate on revisions of one project, safe and unsafe: upgrade and downgrade, run by migrator and by Alembic."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from migrator.check.finding import Finding, Severity
from migrator.check.options import Options, Runner
from migrator.engine.check import judge
from migrator.engine.check_files import Request
from migrator.settings import load_settings

HEAD = (
    "import sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\nfrom alembic import op\n\n"
    "revision = {id!r}\ndown_revision = {down!r}\n\n"
)
Case = dict[str, str]


@lru_cache(maxsize=1)
def entries() -> tuple[Case, ...]:
    found: list[Case] = yaml.safe_load(Path(__file__).with_name("revisions.yaml").read_text(encoding="utf-8"))
    return tuple(found)


def write(folder: Path, name: str, down: str | None, case: Case) -> None:
    functions = "\n\n".join(f"def {one}():\n{textwrap.indent(case[one], '    ')}" for one in ("upgrade", "downgrade"))
    text = HEAD.format(id=name, down=down) + case.get("before", "") + "\n" + functions
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def reasons(project: Path, case: Case, runner: Runner) -> list[Finding]:
    """Return what keeps the gate shut, and what could not be seen."""
    base, *_ = entries()
    versions = project / "versions"
    versions.mkdir(exist_ok=True)
    (project / "env.py").touch()
    (project / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n", encoding="utf-8")
    write(versions, "one", None, base)
    write(versions, "two", "one", case)
    settings = load_settings({"alembic_ini": str(project / "alembic.ini")}, environ={}, cwd=project)
    options = Options(15, None, runner, runner_sets_timeouts=True)
    report = judge(settings, Request(options, options, between="one:two"))
    return [one for one in report.findings if one.severity is Severity.ERROR or one.rule == "unseen-statements"]


def cases() -> Iterator[object]:
    """Yield each case as migrator runs it, and as Alembic does where that is judged otherwise."""
    for one in entries()[1:]:
        runners = (Runner.MIGRATOR, Runner.ALEMBIC) if one["migrator"] != one["alembic"] else (Runner.MIGRATOR,)
        yield from (pytest.param(one, runner, id=f"{one['name']}, {runner}") for runner in runners)


@pytest.mark.parametrize(("case", "runner"), list(cases()))
def test_a_revision_is_judged_as_it_is_labelled(case: Case, runner: Runner, tmp_path: Path) -> None:
    found = reasons(tmp_path, case, runner)

    assert ("unsafe" if found else "safe") == case[runner.value], found
