"""`migrator demo` as somebody who sees it for the first time: the whole story, and ending it in the middle."""

from __future__ import annotations

import json
import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from catalog_schema.demo.summary import Figures, lines
from catalog_schema.load import BucketResult, Results
from tests.support.cli import run_cli, start_cli

ROWS = 2000
COMMANDS = [
    "plan product-tags",
    "apply product-tags --to expand",
    "backfill product-tags",
    "apply product-tags",
    'approve product-tags --note "release 2 is live"',
    "apply product-tags --yes",
    "rollback product-tags --to migrate --yes",
    "apply product-tags --yes",
]


@pytest.fixture
def private_temp(tmp_path: Path) -> Path:
    """A folder for temporary files that every account can reach, so that what is left in it can be seen."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    temp = tmp_path / "t"
    temp.mkdir(mode=0o755)
    return temp


def processes_of(folder: Path) -> list[str]:
    """Return the commands of all processes that have to do with `folder`, in their arguments or as their TMPDIR."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or somebody else's
            command = (process / "cmdline").read_bytes()
            if bytes(folder) in command + (process / "environ").read_bytes():
                found.append(command.replace(b"\0", b" ").decode())
    return found


@pytest.mark.timeout(240)
def test_the_story_is_told_to_its_end_without_a_failed_request(private_temp: Path) -> None:
    kept = private_temp / "kept"
    # The settings of whoever runs it name another database, which it must not go near.
    environment = {"TMPDIR": str(private_temp), "MIGRATOR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/production"}
    done = run_cli(["demo", "--rows", str(ROWS), "--keep", kept], env=environment, timeout=220)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^\$ migrator (.*)$", done.stdout, re.MULTILINE) == COMMANDS
    assert re.search(r"^[\d,]+ requests, 0 failed\n[\d,]+ writes acknowledged, 0 lost$", done.stdout, re.MULTILINE)
    assert re.search(r"^longest wait of a request for a lock of migrator: .*every 25 ms$", done.stdout, re.MULTILINE)
    assert re.search(r"^backfill: 2,\d{3} rows in \d+ s, [\d,]+ rows/s$", done.stdout, re.MULTILINE)
    assert not processes_of(private_temp)

    status = run_cli(["status", "--database-url", f"embedded:{kept}", "--format", "json"])
    states = {run["plan"]: run["state"] for run in json.loads(status.stdout)["runs"]}
    assert (states["baseline"], states["product-tags"]) == ("complete", "complete")

    again = run_cli(["demo", "--keep", kept])
    assert (again.returncode, str(kept) in again.stdout) == (2, True)


def test_ctrl_c_ends_the_story_and_leaves_nothing(private_temp: Path) -> None:
    with start_cli(["demo", "--rows", str(ROWS)], env={"TMPDIR": str(private_temp)}) as demo:
        demo.wait_for(r"product-tags: run \d+ starts to expand", timeout=60)
        assert any("catalog_schema.load" in command for command in processes_of(private_temp))
        demo.send(signal.SIGINT)

        assert demo.wait() == 130
        assert "stopped; the load and the private server are ended" in demo.stdout
    assert not processes_of(private_temp)
    assert not list(private_temp.iterdir())


@pytest.mark.parametrize(("failed", "lost", "good"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_failed_request_or_a_lost_write_is_a_failure(failed: int, lost: int, good: bool) -> None:
    failures = [{"request": "read_product", "sqlstate": "57014", "message": "canceled", "count": 1}] * failed
    bucket = BucketResult("before", 1234, failed, failures, 1.0, 2.0, 3.0, 1234.5)
    figures = Figures(Results({"before": bucket}, 40, True, lost, [{"table": "products"}] * lost), None, 1000, 0.5)

    assert figures.good is good
    told = list(lines(figures))
    assert f"1,234 requests, {failed} failed" in told
    assert f"40 writes acknowledged, {lost} lost" in told
    assert ("failed in before: read_product: canceled" in told) is bool(failed)
