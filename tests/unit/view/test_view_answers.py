from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from migrator.cli.errors import ConfirmationNeededError
from migrator.engine.reports import HistoryEntry, VerifyReport
from migrator.errors import UnavailableError, UsageError
from migrator.view import approval, explanation, history, verify
from migrator.view.approval import Approval
from migrator.view.formats import load
from migrator.view.ink import Ink
from migrator.view.streams import Streams

ENTRY = HistoryEntry(
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    plan="product-tags",
    run=3,
    event="step-finished",
    step="expand 1/2 revision 4c1f",
    by="ann@build",
    data={
        "event": "step-finished",
        "step": {"index": 1},
        "seconds": 0.4,
        "detail": "[x]\ny",
        "undo": False,
        "note": "",
        "attempt": 0,
    },
)
SAME = VerifyReport("product-tags", "migrate 2", "products", 1_000_000, 0, (), 1.25)
DIFFERENT = VerifyReport("product-tags", "migrate 2", "products", 1_000_000, 12, ("id=4", "id=9"), 1.25)


def test_history_is_one_line_per_event() -> None:
    assert history.text([ENTRY], Ink()) == (
        "TIME                       PLAN          RUN  EVENT          STEP                      BY         DETAIL\n"
        "2026-01-02 03:04:05+00:00  product-tags  3    step-finished  expand 1/2 revision 4c1f  ann@build  "
        "seconds 0.4, detail [x] y, attempt 0"
    )


def test_a_database_without_history_says_so() -> None:
    assert history.text([], Ink()) == "no history: no plan was run on this database"


def test_the_json_of_history_keeps_the_data_of_each_event(piped: Streams) -> None:
    load("json").answer(history, [ENTRY], piped)

    assert isinstance(piped.out, io.StringIO)
    (entry,) = json.loads(piped.out.getvalue())["entries"]
    assert entry["at"] == "2026-01-02T03:04:05+00:00"
    assert entry["data"]["step"] == {"index": 1}


def test_verify_says_how_many_rows_differ_and_which() -> None:
    assert verify.text([SAME, DIFFERENT], Ink()) == (
        "product-tags: migrate 2: 1,000,000 rows of products in 1.2 s, no row differs\n"
        "product-tags: migrate 2: 1,000,000 rows of products in 1.2 s, 12 differ, for example id=4; id=9"
    )
    assert verify.text([], Ink()) == "the plan has no verify step"


def test_the_json_of_verify_has_one_result_per_step() -> None:
    document = verify.document([DIFFERENT])

    assert document["version"] == 1
    assert document["results"][0]["differing"] == 12


def test_an_approval_names_the_gate_and_who_approved_it() -> None:
    approved = Approval("p", ("release is live",), "ann@build", "42")

    assert approval.text(approved, Ink()) == ("approved by ann@build (42): release is live\nnext: migrator apply p")
    assert approval.document(approved)["gates"] == ("release is live",)


def test_an_explanation_is_the_docstring_and_the_meaning_of_the_exit_code() -> None:
    assert explanation.text([ConfirmationNeededError], Ink()) == (
        "MG102: exit code 2\n"
        "\n"
        "The command wants a person to confirm, and there is no terminal to ask on.\n"
        "\n"
        "Nothing was changed. In a pipeline, where the decision was made elsewhere, give `--yes`.\n"
        "\n"
        "In general, exit code 2 means: The command line, a setting or a plan file cannot be understood. "
        "Nothing was read or written on the server."
    )


def test_an_explanation_in_json_has_the_exit_code_and_the_text() -> None:
    (error,) = explanation.document([UsageError])["errors"]

    assert (error["code"], error["name"], error["exit_code"]) == ("MG100", "UsageError", 2)
    assert error["text"].startswith("The command line")


def test_the_list_of_codes_has_one_line_per_code() -> None:
    assert explanation.text([UsageError, UnavailableError], Ink()) == (
        "MG100  exit   2  The command line, a setting or a plan file cannot be understood. "
        "Nothing was read or written on the server.\n"
        "MG200  exit   4  A lock or the server could not be had in the time allowed. "
        "Nothing is half-done; the same command is safe."
    )
