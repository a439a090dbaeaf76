from __future__ import annotations

from pathlib import Path

from migrator.check.pages import pages

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "rules"


def test_the_pages_of_the_rules_are_those_that_the_rules_write() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}

    assert written == pages(), "write them again: python -m migrator.check.pages docs/rules"
