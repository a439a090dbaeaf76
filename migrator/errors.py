"""Every way in which migrator says no, one class per next action, with its exit code.

    MigratorError
    ├── UsageError       2   bad invocation, settings or plan file              MG1xx
    ├── UnavailableError 4   no lock, no server in the time allowed             MG2xx
    ├── RefusedError     5   irreversible, drifted, unsafe, or already running  MG3xx
    ├── AnswerIsNo       1   findings, verification differs, not reversible     MG4xx
    ├── WaitingError     3   at a gate, or changes are pending                  MG5xx
    ├── OutcomeUnknown   6   a person must look first                           MG6xx
    └── Interrupted    130   stopped by a signal after a clean checkpoint       MG7xx

A subclass lives where it is raised; its docstring is what `migrator explain CODE` prints. This module knows nothing
of terminals: it carries fields, and the view draws them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file that a person wrote. Line and column count from 1; 0 means the whole file."""

    path: Path
    line: int = 0
    column: int = 0
    excerpt: str = ""
    """The offending line as it stands in the file, without its line end."""
    context: str = ""
    """What the place is in the plan, such as ``expand, step 1: revision 4c1f0a9be2d7``."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)


class MigratorError(Exception):
    """Something that a person can act on. Anything else that escapes is a bug in migrator (exit 70).

    Attributes:
        code: stable name of the error, ``MG`` and three digits.
        exit_code: what the process returns.
        notes: facts, one per line: who blocks, what was changed, where the run stands.
        help: what to type next, one command or sentence.
        others: further errors of the same kind, where one file has several.
    """

    code: ClassVar[str] = "MG000"
    exit_code: int = 70

    def __init__(
        self,
        message: str,
        *,
        where: Location | None = None,
        notes: tuple[str, ...] | list[str] = (),
        help: str = "",  # noqa: A002 - the word users see
        others: tuple[MigratorError, ...] | list[MigratorError] = (),
    ) -> None:
        super().__init__(redact(message))
        self.message = redact(message)
        self.where = where
        self.notes = tuple(redact(note) for note in notes)
        self.help = redact(help)
        self.others = tuple(others)


class UsageError(MigratorError):
    """The command line, a setting or a plan file cannot be understood. Nothing was read or written on the server."""

    code = "MG100"
    exit_code = 2


class UnavailableError(MigratorError):
    """A lock or the server could not be had in the time allowed. Nothing is half-done; the same command is safe."""

    code = "MG200"
    exit_code = 4


class RefusedError(MigratorError):
    """Going on would be unsafe: data would be lost, the schema drifted, or another run holds the database."""

    code = "MG300"
    exit_code = 5


class AnswerIsNo(MigratorError):  # noqa: N818 - an answer, not a failure
    """The question was answered, and the answer is no: findings, differences, or a step that cannot be undone."""

    code = "MG400"
    exit_code = 1


class WaitingError(MigratorError):
    """Nothing is wrong; a person or a release has to act before the run goes on."""

    code = "MG500"
    exit_code = 3


class OutcomeUnknown(MigratorError):  # noqa: N818 - an outcome, not a failure
    """The server did not say whether the last statement took effect, and the ledger cannot tell either."""

    code = "MG600"
    exit_code = 6


class Interrupted(MigratorError):  # noqa: N818 - as asked
    """A signal stopped the run at a clean checkpoint. Run the same command to go on."""

    code = "MG700"
    exit_code = 130

    def __init__(self, message: str, *, signal: int, help: str = "") -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.signal = signal
        self.exit_code = 128 + signal


_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.\-]*://[^\s:/@]*):[^\s]*@(?=[^\s@]*)", re.IGNORECASE)
_DSN_PASSWORD = re.compile(r"""(\b(?:password|sslpassword)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'"]+)""", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` with every password in a URL or a connection string replaced by ``***``."""
    return _DSN_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text))


def catalogue() -> dict[str, type[MigratorError]]:
    """Return every error class that is loaded, by its code."""
    found: dict[str, type[MigratorError]] = {}
    pending: list[type[MigratorError]] = [MigratorError]
    while pending:
        kind = pending.pop()
        found.setdefault(kind.code, kind)
        pending.extend(kind.__subclasses__())
    return found
