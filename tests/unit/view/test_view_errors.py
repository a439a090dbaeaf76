from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.errors import Interrupted, Location, MigratorError, UnavailableError, UsageError, WaitingError
from migrator.view import errors
from migrator.view.formats import load
from migrator.view.ink import Ink
from migrator.view.printable import width
from migrator.view.streams import Streams

PLAIN = Ink()


def test_an_error_shows_what_where_the_facts_and_what_to_type() -> None:
    error = UnavailableError(
        "could not lock table products within 2 s",
        where=Location(Path("plans/0002.yaml"), 9, 5, "  - revision: 4c1f", "expand, step 1: revision 4c1f"),
        notes=["blocked by: pid 48121, application report-runner", "nothing was changed"],
        help="migrator apply product-tags --lock-wait 10m",
    )

    assert errors.text(error, PLAIN) == (
        "error[MG200]: could not lock table products within 2 s\n"
        "  --> plans/0002.yaml:9:5   expand, step 1: revision 4c1f\n"
        "   |\n"
        " 9 |   - revision: 4c1f\n"
        "   |     ^\n"
        "   = blocked by: pid 48121, application report-runner\n"
        "   = nothing was changed\n"
        "  help: migrator apply product-tags --lock-wait 10m\n"
        "  more: migrator explain MG200"
    )


def test_an_error_without_a_place_is_its_message_and_where_to_read_more() -> None:
    assert errors.text(UsageError("no"), PLAIN) == "error[MG100]: no\n  more: migrator explain MG100"


def test_all_errors_of_a_file_are_shown_and_each_code_is_explained_once() -> None:
    def at(line: int) -> Location:
        return Location(Path("p.yaml"), line, 1)

    error = UsageError("first", where=at(1), others=[UsageError("second", where=at(2)), MigratorError("third")])

    assert errors.text(error, PLAIN).splitlines() == [
        "error[MG100]: first",
        "  --> p.yaml:1:1",
        "error[MG100]: second",
        "  --> p.yaml:2:1",
        "  more: migrator explain MG100",
        "error[MG000]: third",
    ]


def test_waiting_and_being_stopped_are_not_called_errors() -> None:
    assert errors.text(WaitingError("at a gate"), PLAIN).startswith("waiting[MG500]: at a gate")
    assert errors.text(Interrupted("as asked", signal=2), PLAIN).startswith("stopped[MG700]: as asked")


def test_the_caret_stands_below_its_column_behind_tabs_and_wide_characters() -> None:
    excerpt = "\t名: e\u0301x"
    error = UsageError("odd", where=Location(Path("p.yaml"), 1234, 5, excerpt))

    assert errors.text(error, PLAIN).splitlines()[1:5] == [
        "    --> p.yaml:1234:5",
        "     |",
        "1234 | \t名: e\u0301x",
        "     | \t    ^",
    ]


def test_a_long_line_of_a_file_is_shown_around_its_column() -> None:
    error = UsageError("far out", where=Location(Path("p.yaml"), 1, 5001, "a" * 5000 + "!" + "b" * 5000))

    shown = errors.text(error, PLAIN).splitlines()

    assert max(map(len, shown)) < 230
    assert shown[3][shown[4].index("^")] == "!"


def test_a_message_is_not_wrapped_however_long_it_is(piped: Streams) -> None:
    load("text").error(UsageError("word " * 200), piped)

    assert isinstance(piped.err, io.StringIO)
    assert len(piped.err.getvalue().splitlines()) == 2


def test_control_characters_of_a_server_do_not_reach_the_terminal() -> None:
    drawn = errors.text(UsageError("\x1b[2J", notes=["\x07bell\u202e"], help="\x9b1m"), PLAIN)

    assert drawn.splitlines()[:3] == ["error[MG100]: \\x1b[2J", "   = \\x07bell\\u202e", "  help: \\x9b1m"]


def test_a_note_of_several_lines_stays_one_item() -> None:
    drawn = errors.text(UsageError("no", notes=["SELECT 1\nFROM t"]), PLAIN)

    assert drawn.splitlines()[1:3] == ["   = SELECT 1", "     FROM t"]


def test_a_file_in_the_current_folder_is_named_as_one_would_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "--> plans/a.yaml\n" in errors.text(UsageError("no", where=Location(tmp_path / "plans/a.yaml")), PLAIN)


def test_the_json_format_writes_one_object_and_the_text_for_the_log(piped: Streams) -> None:
    where = Location(Path("p.yaml"), 3, 1, "x: y", "expand, step 1")
    error = UsageError("no", where=where, notes=["n"], help="h", others=[UsageError("neither")])

    load("json").error(error, piped)

    assert isinstance(piped.out, io.StringIO)
    assert isinstance(piped.err, io.StringIO)
    assert json.loads(piped.out.getvalue()) == {
        "version": 1,
        "event": "error",
        "error": {
            "code": "MG100",
            "message": "no",
            "exit_code": 2,
            "where": {"path": "p.yaml", "line": 3, "column": 1, "context": "expand, step 1"},
            "notes": ["n"],
            "help": "h",
        },
        "others": [
            {"code": "MG100", "message": "neither", "exit_code": 2, "where": None, "notes": [], "help": ""},
        ],
    }
    assert piped.err.getvalue().startswith("error[MG100]: no\n")


@given(excerpt=st.text(st.characters(blacklist_characters="\n\r"), min_size=1, max_size=300), data=st.data())
def test_the_caret_is_inside_the_excerpt_whatever_the_line_holds(excerpt: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(excerpt)))
    drawn = errors.text(UsageError("odd", where=Location(Path("p"), 1, column, excerpt)), PLAIN).split("\n")

    caret = next(line for line in drawn if line.endswith("^"))
    line = next(line for line in drawn if line.startswith(" 1 |"))
    assert width(caret) <= width(line) + 1 + len(excerpt) - len(excerpt.rstrip())
