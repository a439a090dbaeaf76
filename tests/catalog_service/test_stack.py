"""`make service` as a whole: it comes up, works beneath a plan, bears that parts of it are killed, leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

from tests.support.polling import wait_until
from tools.stack import Stack

Json = dict[str, Any]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="catalog-stack-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def get(stack: Stack, path: str) -> Any:
    with urlopen(f"{stack.url}{path}", timeout=10) as answer:
        return json.load(answer)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_stack_comes_up_serves_beneath_a_plan_and_goes_away(folder: Path) -> None:
    with Stack(folder, products=1_000) as stack:
        ready = get(stack, "/readyz")
        assert (ready["ready"], ready["cache"], ready["documents"]) == (True, "up", "up")
        wait_until(lambda: "lag_seconds" in get(stack, "/readyz")["replica"], message="the replica is measured")
        before = [get(stack, f"/v1/products/{number}") for number in range(1, 20)]
        stack.migrator("apply", "product-tags", expect=3)
        assert get(stack, "/readyz")["runs"] == [{"plan": "product-tags", "state": "waiting"}]
        stack.flask("readers", "tags", "new")
        stack.migrator("approve", "product-tags", "--note", "readers are switched")
        stack.migrator("apply", "product-tags", "--yes")
        wait_until(lambda: get(stack, "/readyz")["readers"]["tags"] == "new")
        assert [get(stack, f"/v1/products/{number}") for number in range(1, 20)] == before
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(folder) in said(path)]


def said(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


class Visitor(threading.Thread):
    """Writes products of its own, reads them back and browses until it is stopped; keeps what went wrong."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.stopped = threading.Event()
        self.rounds = 0
        self.wrong: list[str] = []
        self.titles: dict[int, str] = {}
        self._opener = build_opener(HTTPCookieProcessor())

    def run(self) -> None:
        while not self.stopped.is_set():
            self._round()
            self.rounds += 1

    def _round(self) -> None:
        given = {"sku": uuid.uuid4().hex, "title": "First", "price": "1.00", "tags": ["visited"]}
        added = self._ask("POST", "/v1/products", given)
        if added is None:
            return
        number = added["id"]
        self.titles[number] = "First"
        if self._ask("PUT", f"/v1/products/{number}", {**given, "title": "Second"}):
            self.titles[number] = "Second"
        self._ask("POST", f"/v1/products/{number}/reviews", {"rating": 3})
        for path in ("/v1/search?tag=visited&limit=5", "/v1/reports/products?limit=5", "/", "/v1/products/1"):
            self._ask("GET", path)
        found = self._ask("GET", f"/v1/products/{number}")
        if found and found["title"] != self.titles[number]:
            self.wrong.append(f"product {number} is {found['title']} and not {self.titles[number]}")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with self._opener.open(request, timeout=10) as answer:
                return json.load(answer) if path.startswith("/v1") else answer.read()
        except HTTPError as error:
            self.wrong.append(f"{method} {path}: {error.code} {error.read()[:300]!r}")
        except (URLError, OSError) as error:
            self.wrong.append(f"{method} {path}: {error!r}")
        return None


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_visitors_do_not_notice_that_parts_are_killed_and_come_back_and_nothing_is_lost(folder: Path) -> None:
    with Stack(folder, products=200) as stack:
        replica = stack.replica
        assert replica is not None
        visitors = [Visitor(stack.url) for _ in range(3)]
        for one in visitors:
            one.start()
        try:
            for part, name in (("cache", "valkey"), ("documents", "documents"), (None, "worker")):
                process = stack.processes[name]
                killed_and_back(stack, visitors, part, process.kill, process.start)
            killed_and_back(stack, visitors, "replica", lambda: replica.stop(signal.SIGQUIT), replica.start)
        finally:
            for one in visitors:
                one.stopped.set()
            for one in visitors:
                one.join()
        assert [fault for one in visitors for fault in one.wrong] == []
        wait_until(lambda: reconciled(stack), timeout=60, message="the read model follows")
        for number, title in {number: title for one in visitors for number, title in one.titles.items()}.items():
            assert get(stack, f"/v1/products/{number}")["title"] == title
        a_worker_that_is_gone_says_nothing_any_more(stack)


def killed_and_back(
    stack: Stack,
    visitors: list[Visitor],
    part: str | None,
    kill: Callable[[], object],
    start: Callable[[], object],
) -> None:
    some_rounds(visitors)
    kill()
    some_rounds(visitors)
    if part is not None:
        ready = get(stack, "/readyz")
        assert (ready["ready"], ready[part]) == (True, "down")
    start()
    if part is not None:
        wait_until(lambda: get(stack, "/readyz")[part] != "down", timeout=30, message=f"{part} is found again")
    some_rounds(visitors)
    wait_until(lambda: not owed(stack), timeout=60, message=f"{part or 'the worker'} was killed: the sweep catches up")


def some_rounds(visitors: list[Visitor]) -> None:
    wanted = [one.rounds + 3 for one in visitors]
    wait_until(lambda: all(one.rounds >= goal for one, goal in zip(visitors, wanted, strict=True)), timeout=60)


def owed(stack: Stack) -> int:
    import psycopg

    sql = (
        "SELECT count(*) FROM catalog_service.outbox WHERE version > published AND changed_at < now() - interval '2 s'"
    )
    with psycopg.connect(stack.database_url) as connection:
        return int((connection.execute(sql).fetchone() or (0,))[0])


def reconciled(stack: Stack) -> bool:
    try:
        stack.flask("reconcile")
    except RuntimeError:
        return False
    return True


def a_worker_that_is_gone_says_nothing_any_more(stack: Stack) -> None:
    def live() -> set[int]:
        return {int(path.stem.rpartition("_")[2]) for path in (stack.folder / "metrics").glob("gauge_live*.db")}

    wait_until(lambda: get(stack, "/readyz") and live(), message="a worker says something of itself")
    gone = live().pop()
    os.kill(gone, signal.SIGKILL)
    wait_until(lambda: gone not in live(), message="the worker is forgotten")
    wait_until(lambda: answers(stack), message="the others answer")


def answers(stack: Stack) -> bool:
    try:
        with urlopen(f"{stack.url}/metrics", timeout=10) as answer:
            return b"catalog_pool_connections" in answer.read()
    except OSError:
        return False
