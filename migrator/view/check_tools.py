"""Responsible for the findings of ``migrator check`` in the formats of GitHub, GitLab, SARIF and JUnit; on one page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from migrator import __version__
from migrator.check.baseline import key_of
from migrator.check.finding import Finding, Severity
from migrator.check.report import CheckReport

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _advice(finding: Finding) -> str:
    return finding.message + (f"\n\nSafer:\n{finding.safer}" if finding.safer else "")


def github(report: CheckReport) -> str:
    """Return one workflow command per finding, which GitHub shows beside the line, and the summary."""
    lines = []
    for one in report.findings:
        place = one.place
        parts = {"file": place.path, "line": place.line or 1, "col": place.column or 1, "title": one.rule}
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in parts.items())
        lines.append(f"::{one.severity} {properties}::{_data(_advice(one))}")
    lines.append(f"{report.errors} errors, {report.warnings} warnings, {report.checked} statements checked")
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(report: CheckReport) -> str:
    """Return a GitLab code quality report."""
    severities = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}
    seen: dict[str, int] = {}
    found = []
    for one in report.findings:
        key = key_of(one)
        seen[key] = seen.get(key, 0) + 1
        found.append({
            "description": one.message,
            "check_name": one.rule,
            "fingerprint": hashlib.sha256(f"{key}{seen[key]}".encode()).hexdigest(),
            "severity": severities[one.severity],
            "location": {"path": one.place.path, "lines": {"begin": one.place.line or 1}},
        })  # fmt: skip
    return json.dumps(found, indent=1) + "\n"


def sarif(report: CheckReport) -> str:
    """Return a SARIF 2.1.0 log."""
    rules = list(report.rules)
    driver = {
        "name": "migrator",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": summary}} for name, summary in report.rules.items()],
    }
    results = [_sarif_result(one, rules) for one in report.findings]
    log = {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=1) + "\n"


def _sarif_result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    place = finding.place
    location: dict[str, Any] = {"artifactLocation": {"uri": place.path.replace("\\", "/") or "."}}
    if place.line:
        location["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": str(finding.severity),
        "message": {"text": _advice(finding)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"migrator/v1": key_of(finding)},
    }


def junit(report: CheckReport) -> str:
    """Return a JUnit report with one test case per finding; one that passed where there is none."""
    cases = [_junit_case(one) for one in report.findings] or ['  <testcase classname="migrator" name="check"/>']
    total, failures = len(cases), len(report.findings)
    head = f'<testsuite name="migrator check" tests="{total}" failures="{failures}" errors="0" skipped="0">'
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', head, *cases, "</testsuite>"]) + "\n"


def _junit_case(finding: Finding) -> str:
    place = f"{finding.place.path}:{finding.place.line}"
    return (
        f"  <testcase classname={quoteattr(finding.place.path)} name={quoteattr(f'{finding.rule} at {place}')}>\n"
        f"    <failure type={quoteattr(str(finding.severity))} message={quoteattr(_clean(finding.message))}>"
        f"{escape(_clean(_advice(finding)))}</failure>\n  </testcase>"
    )


def _clean(text: str) -> str:
    """Return the text without the control characters that XML cannot hold."""
    return "".join(one for one in text if one in "\n\t" or one >= " ")


FORMATS: Mapping[str, Callable[[CheckReport], str]] = MappingProxyType(
    {"github": github, "gitlab": gitlab, "junit": junit, "sarif": sarif}
)
