"""Writes the reference of the rules as Markdown: ``python -m migrator.check.pages DIR``. The rules are the source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from migrator.check.rule import HEADINGS, Example, Rule, every_rule, sections

INDEX = "README.md"


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    rules = every_rule().values()
    return {INDEX: _index(tuple(rules))} | {f"{rule.name}.md": page(rule) for rule in rules}


def page(rule: Rule) -> str:
    """Return the page of one rule: its story, and the examples that are run as tests."""
    parts = sections(rule.story)
    state = f"{rule.severity}" if rule.on else f"off by default (`--with {rule.name}`), {rule.severity}"
    lines = [f"# {rule.name}", "", parts[""], "", f"*Hazard:* {rule.hazard}. *Severity:* {state}.{_run_time(rule)}", ""]
    for heading in HEADINGS:
        lines += [f"## {heading}", "", *_with_code(parts[heading]), ""]
    if rule.subject == "moment":
        lines += ["## Examples", "", *_examples("Reported:", rule.bad), *_examples("Not reported:", rule.good)]
    return "\n".join(lines).rstrip() + "\n"


def _run_time(rule: Rule) -> str:
    return " `migrator apply` and `upgrade` refuse it, too, on tables that hold rows." if rule.at_run_time else ""


def _with_code(text: str) -> Iterator[str]:
    """Yield the lines, with indented ones, which Markdown shows as code, set off by blank lines."""
    before = ""
    for line in text.split("\n"):
        if before and line and line.startswith("    ") != before.startswith("    "):
            yield ""
        yield line
        before = line


def _examples(title: str, examples: tuple[Example, ...]) -> Iterator[str]:
    yield from (title, "")
    for one in examples:
        conditions = [f"PostgreSQL {one.pg_version}"] if one.pg_version != Example(sql="").pg_version else []
        conditions += ["without timeouts of the runner"] if not one.timeouts else []
        conditions += ["the whole schema is known"] if one.complete else []
        remark = [f"-- {', '.join(conditions)}"] if conditions else []
        setup = [f"-- before: {one.setup}"] if one.setup else []
        yield from ("```sql", *remark, *setup, one.sql, "```", "")


def _index(rules: tuple[Rule, ...]) -> str:
    lines = ["# Rules of `migrator check`", "", "Written by `python -m migrator.check.pages docs/rules`.", ""]
    lines += ["| rule | hazard | severity | what it is about |", "|---|---|---|---|"]
    lines += [
        f"| [{one.name}]({one.name}.md) | {one.hazard} | {one.severity if one.on else 'off'} | {one.summary} |"
        for one in rules
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write all pages, and remove those of rules that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
