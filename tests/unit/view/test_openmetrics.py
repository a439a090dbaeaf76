"""A monitoring system reads where a run is, from a file or over HTTP."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from migrator.engine.events import Event, LockRetry, RowProgress, RunFinished, RunStarted, StepFinished, StepRef
from migrator.settings import BadSettingError
from migrator.view.openmetrics import published

STEP = StepRef("migrate", 1, 3, "backfill", "backfill items.tags")
STARTED = RunStarted(plan="tags", run=1, direction="forward", to="contract", steps_done=2, steps_total=7, resumed=True)
ROWS = RowProgress(
    step=STEP,
    rows_done=120,
    rows_total=1000,
    rows_per_second=60.0,
    eta=None,
    chunk_rows=40,
    chunk_seconds=0.5,
    waiting="replica_lag 6 s > 5 s",
    workers=2,
)
REFUSED = LockRetry(relation="items", attempt=1, timeout=1, delay=1, remaining=9, blockers=())
FINISHED: list[Event] = [
    StepFinished(step=STEP, seconds=1.0),
    RunFinished(plan="tags", run=1, state="stopped", phase="migrate", seconds=3.0),
]


def samples(text: str) -> dict[str, float]:
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def test_a_file_holds_the_numbers_of_a_run_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "migrator.prom"
    with published(str(path)) as take:
        for event in (STARTED, ROWS, REFUSED, REFUSED):
            take(event)
    found = samples(path.read_text())
    assert (found["migrator_rows_done"], found["migrator_rows_total"], found["migrator_workers"]) == (120, 1000, 2)
    assert (found["migrator_waiting"], found["migrator_lock_retries_total"]) == (1, 2)
    assert (found["migrator_running"], found["migrator_steps_done"], found["migrator_steps_total"]) == (1, 2, 7)
    assert list(tmp_path.iterdir()) == [path]


def test_an_endpoint_serves_them_while_the_run_goes_on_and_no_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    with published(f":{port}") as take:
        for event in (STARTED, ROWS, *FINISHED):
            take(event)
        with urllib.request.urlopen(asked) as answer:
            found = samples(answer.read().decode())
    assert (found["migrator_rows_per_second"], found["migrator_steps_done"], found["migrator_running"]) == (60, 3, 0)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(asked)


@pytest.mark.parametrize("where", ["/no/such/folder/metrics", "127.0.0.1:99999"])
def test_a_place_that_cannot_be_used_is_an_error_before_anything_runs(where: str) -> None:
    with pytest.raises(BadSettingError, match="metrics cannot be"), published(where):
        pass
