from __future__ import annotations

from pathlib import Path

import pytest

from migrator.check.errors import BadOptionError, BaselineError
from migrator.check.exceptions import exception_from_setting
from migrator.check.finding import Severity
from migrator.check.gate import Gate
from migrator.check.options import Options, Runner, read_version
from migrator.check.report import CheckReport
from migrator.check.schema.schema import Schema


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def judged(text: str | bytes, *, allow: tuple[str, ...] = ()) -> CheckReport:
    path = Path("change.sql")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    options = Options(15, runner_sets_timeouts=True)
    gate = Gate(options, options, Schema(15), [exception_from_setting(one) for one in allow])
    gate.add_sql(path)
    return gate.report()


def test_a_finding_names_file_line_column_and_the_statement() -> None:
    (found,) = judged("-- first\n\n  DROP TABLE sessions;\n").findings

    assert (found.rule, found.place.path, found.place.line, found.place.column) == ("drop-table", "change.sql", 3, 3)
    assert found.statement == "DROP TABLE sessions"
    assert found.place.excerpt == "  DROP TABLE sessions;"


@pytest.mark.parametrize(
    "text",
    [
        "-- migrator: allow drop-table because copied by hand\nDROP TABLE sessions;",
        "DROP TABLE sessions; -- migrator: allow drop-table because copied by hand",
        "-- migrator: allow drop-table because copied by hand\n-- and another remark\n\nDROP TABLE\n  sessions;",
    ],
)
def test_an_exception_with_a_reason_beside_the_statement_makes_the_finding_information(text: str) -> None:
    report = judged(text)

    assert report.findings == ()
    assert [one.note for one in report.informed] == ["accepted: copied by hand"]


def test_an_exception_without_a_reason_accepts_nothing_and_is_an_error_itself() -> None:
    report = judged("-- migrator: allow drop-table\nDROP TABLE sessions;")

    assert sorted(one.rule for one in report.findings) == ["drop-table", "unused-exception"]
    assert report.errors == 2


def test_an_exception_that_no_finding_matches_is_a_warning() -> None:
    report = judged("-- migrator: allow drop-table because of old times\nSELECT 1;")

    assert [(one.rule, one.severity) for one in report.findings] == [("unused-exception", Severity.WARNING)]


def test_an_exception_is_about_its_own_statement_only() -> None:
    report = judged("-- migrator: allow drop-table because copied\nDROP TABLE a;\nDROP TABLE b;")

    assert [one.statement for one in report.findings] == ["DROP TABLE b"]


def test_an_exception_of_the_settings_goes_by_path() -> None:
    assert judged("DROP TABLE a;", allow=("drop-table in *.sql because nobody uses it",)).findings == ()
    with pytest.raises(BadOptionError):
        judged("", allow=("drop-table because nobody uses it",))


@pytest.mark.parametrize("content", [b"SELEC 1;", b"\xff\xfe\x00", b"ALTER TABLE", b"SELECT '\x00';"])
def test_a_file_that_cannot_be_read_is_a_finding(content: bytes) -> None:
    assert [one.rule for one in judged(content).findings] == ["unreadable-input"]


def test_commands_of_psql_and_copied_data_are_no_mistakes_and_lines_stay_right() -> None:
    report = judged("\\set ON_ERROR_STOP on\nCOPY a FROM stdin;\n1\tx'y\n\\.\nDROP TABLE b;\n")

    assert [(one.rule, one.place.line) for one in report.findings] == [("drop-table", 5)]


def test_a_baseline_accepts_what_it_was_written_for_and_nothing_else(tmp_path: Path) -> None:
    from migrator.check.baseline import beyond, write_baseline

    path = tmp_path / "baseline.json"
    write_baseline(path, judged("DROP TABLE a;").findings)

    fresh = beyond(path, judged("-- moved down\nDROP TABLE a;\nDROP TABLE b;").findings)

    assert [one.statement for one in fresh] == ["DROP TABLE b"]
    path.write_text("[]")
    with pytest.raises(BaselineError):
        beyond(path, fresh)


def test_versions_are_read_as_people_write_them() -> None:
    assert read_version("15") == (15, None)
    assert read_version("14.2") == (14, 2)
    for wrong in ("9.6", "x", "99", "15.x"):
        with pytest.raises(BadOptionError):
            read_version(wrong)


def test_what_migrator_runs_online_is_information() -> None:
    path = Path("change.sql")
    path.write_text("CREATE INDEX i ON orders (note);")
    options = Options(15, runner=Runner.MIGRATOR)
    gate = Gate(options, options, Schema(15))

    gate.add_sql(path)

    assert [(one.rule, one.note) for one in gate.report().informed] == [
        ("create-index-blocking", "made safe by migrator")
    ]
    assert "CREATE INDEX CONCURRENTLY i ON orders" in gate.report().informed[0].safer


def test_what_psql_is_told_to_include_is_judged_in_its_place() -> None:
    Path("parts").mkdir()
    Path("parts/a.sql").write_text("ALTER TABLE t ADD COLUMN b serial;\n\\ir b.sql\n")
    Path("parts/b.sql").write_text("\n  TRUNCATE sessions;\n")

    made_before = judged("CREATE TABLE t (a int);\n\\i parts/a.sql\n")
    alone = judged("\\i parts/a.sql\nDROP TABLE t;\n")

    assert [(one.rule, one.place.path, one.place.line) for one in made_before.findings] == [
        ("truncate", "parts/b.sql", 2)
    ]
    assert [one.rule for one in alone.findings] == ["drop-table", "add-serial-column", "truncate"]


@pytest.mark.parametrize("text", ["\\i nowhere.sql\n", "\\i change.sql\n", "SELECT 1;\n\\include :folder/x.sql\n"])
def test_an_include_that_cannot_be_followed_is_a_finding(text: str) -> None:
    assert [one.rule for one in judged(text).findings] == ["unreadable-input"]


def test_rows_that_a_dump_copies_are_no_sql_and_do_not_count() -> None:
    rows = "1\tDROP TABLE t;\n" * 1_500_000

    report = judged(f"COPY t FROM stdin;\n{rows}\\.\nDROP TABLE t;\n")

    assert [(one.rule, one.place.line) for one in report.findings] == [("drop-table", 1_500_003)]
