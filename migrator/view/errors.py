"""Responsible for how an error looks: what, where, which facts, what to type next; not for where it is written."""

from __future__ import annotations

from typing import Any

from migrator.errors import Interrupted, Location, MigratorError, WaitingError
from migrator.view.ink import Ink
from migrator.view.printable import one_line, printable, shown, width

EXCERPT_LIMIT = 200
"""Longer lines of a file are shown as a window around the column."""


def text(error: MigratorError, ink: Ink) -> str:
    """Return the error, and the others found with it, as lines without a line end."""
    errors = (error, *error.others)
    last_of_code = {each.code: each for each in errors}
    return "\n".join("\n".join(_lines(each, ink, more=last_of_code[each.code] is each)) for each in errors)


def document(error: MigratorError) -> dict[str, Any]:
    """Return the error as a JSON-able mapping."""
    return {
        "version": 1,
        "event": "error",
        "error": _fields(error),
        "others": [_fields(each) for each in error.others],
    }


def _fields(error: MigratorError) -> dict[str, Any]:
    where = error.where
    return {
        "code": error.code,
        "message": error.message,
        "exit_code": error.exit_code,
        "where": where
        and {"path": str(where.path), "line": where.line, "column": where.column, "context": where.context},
        "notes": list(error.notes),
        "help": error.help,
    }


def _lines(error: MigratorError, ink: Ink, *, more: bool) -> list[str]:
    gutter = max(2, len(str(error.where.line if error.where else "")))
    pad = " " * gutter
    lines = [f"{_label(error, ink)} {ink.bold(one_line(error.message))}"]
    if error.where:
        lines += _place(error.where, gutter, ink)
    lines += [f"{pad} = {line}" for note in error.notes for line in _hanging(note, gutter + 3)]
    if error.help:
        lines += [f"{pad}{ink.good('help:')} {line}" for line in _hanging(error.help, gutter + 6)]
    if more and error.code != MigratorError.code:
        lines.append(f"{pad}more: migrator explain {error.code}")
    return lines


def _label(error: MigratorError, ink: Ink) -> str:
    if isinstance(error, WaitingError):
        return ink.warn(f"waiting[{error.code}]:")
    if isinstance(error, Interrupted):
        return ink.warn(f"stopped[{error.code}]:")
    return ink.bad(f"error[{error.code}]:")


def _hanging(text: str, indent: int) -> list[str]:
    """Return `text` as one item, its further lines indented to stand below the first."""
    return [("\n" + " " * indent).join(printable(text).splitlines())]


def place_lines(where: Location, ink: Ink) -> list[str]:
    """Return a place in a file as lines: where it is, the line itself, a caret below the column."""
    return _place(where, max(2, len(str(where.line))), ink)


def _place(where: Location, gutter: int, ink: Ink) -> list[str]:
    pad = " " * gutter
    position = f":{where.line}:{where.column}" if where.line else ""
    context = f"   {printable(where.context)}" if where.context else ""
    lines = [f"{pad}{ink.dim('-->')} {shown(where.path)}{position}{context}"]
    if where.excerpt and where.line:
        before, excerpt = _window(where.excerpt, where.column)
        bar = ink.dim("|")
        lines += [f"{pad} {bar}", f"{where.line:>{gutter}} {bar} {excerpt}".rstrip()]
        if where.column:
            lines.append(f"{pad} {bar} {_blank(before)}{ink.bad('^')}")
    return lines


def _window(line: str, column: int) -> tuple[str, str]:
    """Return what stands before the column, and the line, both cut if it is too long to read."""
    before, after = line[: max(0, column - 1)], line[max(0, column - 1) :]
    if len(line) > EXCERPT_LIMIT:
        before = "..." + before[-EXCERPT_LIMIT // 2 :] if len(before) > EXCERPT_LIMIT // 2 else before
        after = after[: EXCERPT_LIMIT // 2] + "..." if len(after) > EXCERPT_LIMIT // 2 else after
    return printable(before), printable(before + after)


def _blank(text: str) -> str:
    """Return white space as wide as `text`: a tab stays one, since nobody knows how wide it is shown."""
    return "\t".join(" " * width(part) for part in text.split("\t"))
