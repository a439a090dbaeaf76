"""An old history, accepted once: the findings that were there when the baseline was written; not if they are right."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from migrator.check.errors import BaselineError
from migrator.check.finding import Finding
from migrator.errors import Location

_VERSION = 1


def key_of(finding: Finding) -> str:
    """Return what stays the same about a finding when lines are added above it."""
    place = finding.place
    text = "\0".join(
        (finding.rule, place.path, place.revision or "", place.direction, " ".join(finding.statement.split()))
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write a baseline that accepts these findings."""
    entries = [{"key": key_of(one), "rule": one.rule, "path": one.place.path} for one in findings]
    path.write_text(json.dumps({"version": _VERSION, "accepted": entries}, indent=1) + "\n", encoding="utf-8")


def beyond(path: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that the baseline does not have; one of several alike is accepted once each.

    Raises:
        BaselineError
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        accepted = Counter(str(one["key"]) for one in content["accepted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(
            f"{path} is no baseline: {type(error).__name__}",
            where=Location(path),
            help=f"write one: migrator check --write-baseline {path}",
        ) from error
    fresh = []
    for finding in findings:
        if accepted[key_of(finding)] > 0:
            accepted[key_of(finding)] -= 1
        else:
            fresh.append(finding)
    return fresh
