"""Responsible for the text of a plan file and places in it; not for what the text means."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote

from migrator.errors import Location
from migrator.plan.errors import PlanNotFoundError, PlanUnreadableError
from migrator.plan_files import plan_files
from migrator.spelling import suggestion

MAX_BYTES = 1_000_000

# What YAML 1.1 counts as the end of a line, so that its line numbers are ours.
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """The text of a plan and the path that errors about it name."""

    path: Path
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines without their ends; there is at least one."""
        return _LINE_END.split(self.text)

    def locate(self, line: int, column: int, context: str = "") -> Location:
        """Return the place at `line` and `column`, counted from 1, moved into the text where it lies behind it."""
        line = min(max(line, 1), len(self.lines))
        excerpt = self.lines[line - 1]
        return Location(self.path, line, min(max(column, 1), len(excerpt) + 1), excerpt, context)

    def locate_offset(self, offset: int) -> Location:
        """Return the place of the character at `offset`."""
        before = _LINE_END.split(self.text[:offset])
        return self.locate(len(before), len(before[-1]) + 1)


def read_source(path: Path) -> Source:
    """Read a plan file.

    Raises:
        PlanNotFoundError: there is no such file.
        PlanUnreadableError: it cannot be the text of a plan.
    """
    data = _read_bytes(path)
    if len(data) > MAX_BYTES:
        raise PlanUnreadableError(
            "the plan file is larger than 1 MB",
            where=Location(path),
            help="a plan lists steps; keep data out of it",
        )
    try:
        return Source(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        readable = Source(path, data[: error.start].decode("utf-8-sig", errors="replace"))
        raise PlanUnreadableError(
            f"the plan file is not UTF-8: byte 0x{data[error.start]:02x} starts no character",
            where=readable.locate_offset(len(readable.text)),
            help=f"convert it: iconv -f latin1 -t utf-8 {quote(str(path))}",
        ) from error


def _read_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise PlanUnreadableError(f"{path} is a folder, not a plan file", help=_name_one_of(path))
        # A pipe or a device might never end.
        if not stat.S_ISREG(mode):
            raise PlanUnreadableError(f"{path} is not a regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        names = [str(file) for file in plan_files(path.parent)]
        raise PlanNotFoundError(
            f"there is no plan file {path}",
            help=suggestion(str(path), names, "plan files"),
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PlanUnreadableError(f"the plan file {path} cannot be read: {reason}") from error


def _name_one_of(folder: Path) -> str:
    files = plan_files(folder)
    return f"name one of: {', '.join(map(str, files))}" if files else "name a YAML file"
