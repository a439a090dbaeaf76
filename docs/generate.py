"""Writes the files that are made from the code: `python -m docs.generate`, or with `--check` compares only.

The reference pages, which turn what the code says of itself into Markdown, and the script that makes a new ledger.
"""  # noqa: INP001 - a script that is run from the root of the checkout

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import typer

from migrator.cli.app import build, declared
from migrator.cli.catalogue import every_error
from migrator.cli.options import SETTINGS
from migrator.durations import format_duration
from migrator.ledger import schema as ledger_schema
from migrator.plan import Phase, kinds
from migrator.plan.schema import plan_schema
from migrator.postgres.server.embedded import embedded
from migrator.settings import Settings
from migrator.sql import lock_table
from migrator.view.explanation import explain

FOLDER = Path(__file__).parent / "reference"
_WIDTH = 100

_COLUMNS = """
    SELECT c.relname, obj_description(c.oid), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'migrator'::regnamespace AND c.relkind = 'r'
    ORDER BY c.relname, a.attnum
"""


def commands() -> Iterator[str]:
    """Yield the page of the commands: the help of each."""
    yield from _head("Commands", "What `migrator COMMAND --help` prints.")
    group = typer.main.get_command(build())
    for heading in dict.fromkeys(command.group for command in declared()):
        yield from (f"## {heading}", "")
        for command in declared():
            if command.group == heading:
                found: Any = group.commands[command.name]  # type: ignore[attr-defined]  # of the vendored click
                sizes = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
                context = found.make_context(f"migrator {command.name}", [], resilient_parsing=True, **sizes)
                yield from (f"### {command.name}", "", "```text", found.get_help(context).rstrip(), "```", "")


def errors() -> Iterator[str]:
    """Yield the page of the errors: what `migrator explain` says of each, by exit code."""
    yield from _head("Errors", "What `migrator explain CODE` prints. What to do about each is also in the runbook.")
    found = every_error()
    for exit_code in sorted({error.exit_code for error in found.values()}):
        yield from (f"## Exit code {exit_code}", "")
        for code, error in found.items():
            if error.exit_code == exit_code:
                yield from (f"### {code}", "", explain(error), "")


def plan() -> Iterator[str]:
    """Yield the page of the plan format: every key of the JSON Schema."""
    yield from _head("Plan files", "Every key, from the JSON Schema that editors use: `plans/plan.schema.json`.")
    content = plan_schema()
    yield from ("## The plan", "", *_keys(content))
    for kind, step in kinds().items():
        definition = content["$defs"][kind]
        nested = definition["properties"][kind]
        yield from (f"## Step `{kind}`", "", definition["description"], "")
        allowed = ", ".join(f"`{phase}`" for phase in Phase if phase not in step.misplaced)
        yield from (f"Stands in {allowed}.", "")
        yield from _keys(nested if "properties" in nested else definition)
    parts = {name: part for name, part in content["$defs"].items() if name not in kinds()}
    for name, part in parts.items():
        yield from (f"## {name}", "", part["description"], "", *_keys(part))


def settings() -> Iterator[str]:
    """Yield the page of the settings: names, defaults, flags."""
    said = "Flags win over the environment, that over `migrator.toml` or `[tool.migrator]` in `pyproject.toml`."
    yield from _head("Settings", f"{said} `DATABASE_URL` stands in for `MIGRATOR_DATABASE_URL`.")
    flags = {setting.key: setting.flag for setting in SETTINGS}
    texts = dict(re.findall(r"^ *(\w+): ([^;\n]+)", Settings.__doc__ or "", re.MULTILINE))
    yield from ("| setting | meaning | default | flag | environment |", "|---|---|---|---|---|")
    for one in fields(Settings):
        if one.name not in ("origins", "places"):
            flag = f"`{flags[one.name]}`" if one.name in flags else ""
            default = "none" if one.default in (None, MISSING) else f"`{_shown(one.default)}`"
            meaning, variable = texts[one.name].rstrip("."), f"MIGRATOR_{one.name.upper()}"
            yield f"| `{one.name}` | {meaning} | {default} | {flag} | `{variable}` |"
    yield ""


def locks() -> Iterator[str]:
    """Yield the page of the locks: one row for each statement, as the classification uses them."""
    said = "The lock on the relation that a statement names, and what that keeps waiting. Measured by the tests."
    yield from _head("Locks", said)
    alter = "ALTER TABLE"
    tables = {alter: lock_table.ALTER_TABLE, "RENAME": lock_table.RENAME, "DROP": lock_table.DROP}
    for heading, rows in (*tables.items(), ("Other statements", lock_table.ON_RELATION)):
        yield from (f"## {heading}", "", "| statement | lock | stops |", "|---|---|---|")
        for one in rows.values():
            words = f"{alter} … {one.words}" if heading == alter else one.words
            yield f"| `{words}` | {one.mode.words} | {', '.join(one.mode.blocks) or 'nothing'} |"
        yield ""
    yield from ("Code whose locks its text does not tell is treated as if it locked everything:", "")
    yield from (", ".join(f"`{words}`" for words in lock_table.OPAQUE.values()) + ".", "")


def ledger(connection: psycopg.Connection) -> Iterator[str]:
    """Yield the page of the ledger: its tables as they are in the database of `connection`."""
    said = "migrator's own tables, in the schema `migrator` of the target database. Read them freely; do not write."
    yield from _head("Ledger", said)
    table = ""
    for name, comment, column, kind, required in connection.execute(_COLUMNS):
        if name != table:
            table = name
            gap = [""] if table else []
            yield from (*gap, f"## migrator.{name}", "", *([comment, ""] if comment else []))
            yield from ("| column | type | |", "|---|---|---|")
        yield f"| `{column}` | `{kind}` | {'not null' if required else ''} |"
    yield ""


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands.md": commands,
    "errors.md": errors,
    "plan.md": plan,
    "settings.md": settings,
    "locks.md": locks,
}
"""The pages that need no database, by their file."""


def text(lines: Iterator[str]) -> str:
    """Return a page as it is in its file."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def all_pages() -> dict[str, str]:
    """Return every page by its file; the ledger is read from a server that runs meanwhile."""
    pages = {name: text(page()) for name, page in PAGES.items()}
    with tempfile.TemporaryDirectory(prefix="migrator-docs-") as folder:
        Path(folder).chmod(0o755)  # started by root, the server runs as another user
        with embedded(Path(folder) / "pg", fsync=False) as url, psycopg.connect(url, autocommit=True) as connection:
            ledger_schema.ensure(connection)
            pages["ledger.md"] = text(ledger(connection))
    return pages


def _head(title: str, said: str) -> Iterator[str]:
    yield from (f"# {title}", "", "<!-- Written by python -m docs.generate: change the code, not this page. -->", "")
    yield from (said, "")


def _keys(content: Mapping[str, Any]) -> Iterator[str]:
    required = content.get("required", ())
    yield from ("| key | meaning | | default |", "|---|---|---|---|")
    for key, value in content["properties"].items():
        default = f"`{value['default']}`".lower() if "default" in value else ""
        yield f"| `{key}` | {value['description']} | {'required' if key in required else ''} | {default} |"
    yield ""


def _shown(default: object) -> str:
    return format_duration(default) if isinstance(default, timedelta) else str(default)


def main(arguments: list[str]) -> int:
    """Write the files, or say which of them are not what the code says."""
    files = {
        ledger_schema.SCRIPT: ledger_schema.script(),
        **{FOLDER / name: text for name, text in all_pages().items()},
    }
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" not in arguments:
        for path in stale:
            path.write_text(files[path], encoding="utf-8")
    elif stale:
        sys.stderr.write(f"{', '.join(path.name for path in stale)} out of date; run: make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
