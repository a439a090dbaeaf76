"""Responsible for what happens when migrator itself is wrong; not for errors that a person can act on."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Mapping

from migrator.cli.errors import Bug
from migrator.errors import redact

DEBUG_VARIABLE = "MIGRATOR_DEBUG"


def bug(error: BaseException, environ: Mapping[str, str]) -> Bug:
    """Return what to tell about an `error` that nobody expected, after keeping its traceback without passwords."""
    trace = redact("".join(traceback.format_exception(error)))
    if environ.get(DEBUG_VARIABLE):
        sys.stderr.write(trace)
    cause = traceback.format_exception_only(error)[-1].strip()
    return Bug(
        f"this is a bug in migrator: {cause}",
        notes=[_kept(trace)],
        help="see where the run stands: migrator status; what was committed stays, and the same command goes on",
    )


def _kept(trace: str) -> str:
    try:
        file, name = tempfile.mkstemp(prefix="migrator-bug-", suffix=".txt")
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write(trace)
    except OSError as error:
        return f"the traceback could not be kept ({error}); {DEBUG_VARIABLE}=1 prints it"
    return f"the traceback is in {name}"
