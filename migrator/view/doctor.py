"""Responsible for how the answer of ``migrator doctor`` looks; not for finding anything."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from migrator.engine.reports import DoctorReport
from migrator.view.ink import Ink
from migrator.view.printable import one_line
from migrator.view.purge import kept


def document(report: DoctorReport) -> dict[str, Any]:
    """Return the report as a JSON-able mapping."""
    return report.to_json()


def text(report: DoctorReport, ink: Ink) -> str:
    """Return what is wrong, by check, each with the command that mends it."""
    lines = [f"database {report.database}, PostgreSQL {report.server_version}"]
    for check, ailments in groupby(report.ailments, key=lambda ailment: ailment.check):
        lines += ["", ink.bold(check)]
        for ailment in ailments:
            lines.append(f"  {ink.bad('!')} {one_line(ailment.subject)}: {one_line(ailment.what)}")
            lines.append(f"      mend: {one_line(ailment.mend)}")
    if report.archives:
        lines += ["", ink.bold("archives, until migrator purge"), *(f"  {one}" for one in kept(report.archives))]
    if report.unseen:
        lines += ["", f"not looked at, for lack of rights: {', '.join(report.unseen)}"]
    count = len(report.ailments)
    return "\n".join([*lines, "", f"{count} found" if count else ink.good("nothing found")])
