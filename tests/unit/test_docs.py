"""The documentation knows every command, error and exit code, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from docs import generate
from migrator.cli.app import declared
from migrator.cli.catalogue import every_error
from migrator.plan import load_plan

ROOT = Path(__file__).parents[2]
DOCS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "rules"]
"""All but the rules of check, which are written from the code and have tests of their own."""
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", generate.PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    """After a change: make docs."""
    assert (generate.FOLDER / name).read_text(encoding="utf-8") == generate.text(generate.PAGES[name]())


def test_the_runbook_has_every_exit_code() -> None:
    headings = re.findall(r"^## (.*?):", RUNBOOK, re.MULTILINE)
    codes = {int(code) for heading in headings for code in re.findall(r"\d+", heading)}

    assert codes == {0, 143} | {error.exit_code for error in every_error().values()}


def test_errors_are_named_where_they_belong() -> None:
    errors = every_error()
    for section in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]:
        for code in re.findall(r"^- .*?:", section, re.MULTILINE):
            for name in re.findall(r"MG\d{3}", code):
                assert section.startswith(str(errors[name].exit_code)), name


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_options_and_errors_that_are_mentioned_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)```$", text, re.MULTILINE | re.DOTALL)
    typed = re.findall(r"(?<!`)`migrator ([a-z]+)\b", text) + re.findall(r"\bmigrator ([a-z]+)\b", "\n".join(blocks))

    assert set(typed) <= {command.name for command in declared()}
    assert set(re.findall(r"\bMG\d{3}\b", text)) <= set(every_error())


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    pages = {str(path.relative_to(ROOT / "docs")) for path in DOCS}

    assert pages - {"index.md"} <= linked


def test_plans_in_the_guides_are_plans(tmp_path: Path) -> None:
    found = 0
    for path in DOCS:
        for block in re.findall(r"^```yaml\n(plan: .*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
            file = tmp_path / f"{yaml.safe_load(block)['plan']}.yaml"
            file.write_text(block, encoding="utf-8")
            load_plan(file)
            found += 1
    assert found
