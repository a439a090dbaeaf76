"""`make service` as a whole: everything comes up, works together beneath a plan, and leaves nothing behind."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.polling import wait_until
from tools.stack import Stack


def get(stack: Stack, path: str) -> Any:
    with urllib.request.urlopen(f"{stack.url}{path}", timeout=10) as answer:
        return json.load(answer)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_stack_comes_up_serves_beneath_a_plan_and_goes_away() -> None:
    with tempfile.TemporaryDirectory(prefix="catalog-stack-") as name:
        Path(name).chmod(0o755)
        with Stack(Path(name), products=1_000) as stack:
            ready = get(stack, "/readyz")
            assert (ready["ready"], ready["cache"], ready["documents"]) == (True, "up", "up")
            assert "lag_seconds" in ready["replica"]
            before = [get(stack, f"/v1/products/{number}") for number in range(1, 20)]
            stack.migrator("apply", "product-tags", expect=3)
            assert get(stack, "/readyz")["runs"] == [{"plan": "product-tags", "state": "waiting"}]
            stack.flask("readers", "tags", "new")
            stack.migrator("approve", "product-tags", "--note", "readers are switched")
            stack.migrator("apply", "product-tags", "--yes")
            wait_until(lambda: get(stack, "/readyz")["readers"]["tags"] == "new")
            assert [get(stack, f"/v1/products/{number}") for number in range(1, 20)] == before
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if name in said(path)]


def said(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
