from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from migrator.engine.reports import RunStatus, StatusReport, StepStatus
from migrator.postgres.blockers import Blocker
from migrator.view import closing, status
from migrator.view.formats import load
from migrator.view.ink import Ink
from migrator.view.streams import Streams

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STEPS = (
    StepStatus("expand", 1, "revision", "revision 4c1f", "done", 1, seconds=0.4, started_at=AT, finished_at=AT),
    StepStatus("migrate", 1, "backfill", "backfill [a.b]", "running", 3, 450_000, 1_000_000, AT, None, 14.0),
    StepStatus("migrate", 2, "verify", "verify products", "failed", 1, 10, 10, error="12 rows\ndiffer"),
    StepStatus("migrate", 3, "gate", "gate", "pending", 0),
)
HOLDER = Blocker(7, "migrator", "deploy", "active", 65.0, "")
RUNNING = RunStatus("product-tags", "migrate", "running", "p.yaml", 2, HOLDER, "migrator apply product-tags", STEPS)
COMPLETE = RunStatus("baseline", "contract", "complete", steps=(STEPS[0],))


def test_several_plans_are_a_table_with_the_steps_of_those_under_way() -> None:
    assert status.text(StatusReport("embedded:pg", (COMPLETE, RUNNING)), Ink()) == (
        "database embedded:pg\n"
        "\n"
        "PLAN          PHASE     STATE     NEXT\n"
        "baseline      contract  complete\n"
        "product-tags  migrate   running   migrator apply product-tags\n"
        "\n"
        "product-tags, run 2\n"
        "held by pid 7, application migrator, active for 65 s\n"
        "STEP                        STATE    ROWS                  TIME   ATTEMPTS  DETAIL\n"
        "expand 1   revision 4c1f    done                           0.4 s\n"
        "migrate 1  backfill [a.b]   running  450,000 of 1,000,000  14 s   3\n"
        "migrate 2  verify products  failed   10 of 10                               12 rows differ\n"
        "migrate 3  gate             pending"
    )


def test_a_plan_that_was_asked_for_shows_its_steps_even_at_rest() -> None:
    assert status.text(StatusReport("db", (COMPLETE,)), Ink()).endswith(
        "baseline\nSTEP                     STATE  TIME\nexpand 1  revision 4c1f  done   0.4 s"
    )


def test_a_project_without_plans_says_so() -> None:
    assert status.text(StatusReport("db", ()), Ink()) == "database db\n\nno plans"


def test_the_json_of_a_status_keeps_the_keys_that_scripts_rely_on(piped: Streams) -> None:
    load("json").answer(status, StatusReport("db", (RUNNING,)), piped)

    assert isinstance(piped.out, io.StringIO)
    document = json.loads(piped.out.getvalue())
    assert document["version"] == 1
    (run,) = document["runs"]
    assert {"plan", "phase", "state", "steps"} <= run.keys()
    assert {"kind", "state", "rows_done", "rows_total"} <= run["steps"][0].keys()
    assert run["steps"][1]["rows_done"] == 450_000
    assert run["steps"][0]["started_at"] == "2026-01-02T03:04:05+00:00"


def test_the_last_line_says_the_state_and_the_next_command() -> None:
    assert closing.text(RUNNING, Ink()) == "product-tags: running in migrate; next: migrator apply product-tags"
    assert closing.text(COMPLETE, Ink()) == "baseline: complete"


def test_the_last_line_in_json_is_one_object_for_the_pipeline(piped: Streams) -> None:
    load("json").answer(closing, RUNNING, piped)

    assert isinstance(piped.out, io.StringIO)
    assert json.loads(piped.out.getvalue()) == {
        "version": 1,
        "event": "closing",
        "plan": "product-tags",
        "phase": "migrate",
        "state": "running",
        "next_command": "migrator apply product-tags",
    }
