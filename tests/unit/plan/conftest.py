"""Reads plan texts the way the tests of this folder need them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

from migrator.plan import Plan, parse_plan
from migrator.plan.errors import PlanError

Read: TypeAlias = Callable[[str], Plan]
Refuse: TypeAlias = Callable[[str], list[PlanError]]

EXAMPLE = """\
# yaml-language-server: $schema=./plan.schema.json
plan: order-state
summary: Replace orders.status (integer) by orders.state (text)
requires: [first-steps]
lock_timeout: 3s
expand:
  - revision: a1b2c3d4e5f6
  - dual_write:
      table: orders
      forward: {state: "status_name(status)"}
      backward: {status: "status_number(state)"}
migrate:
  - backfill:
      table: orders
      set: {state: "status_name(status)"}
      where: state IS NULL
      chunk_rows: 5000
      chunk_target: 250ms
      throttle: {replica_lag: 5s}
  - verify:
      table: orders
      none: state IS DISTINCT FROM status_name(status)
  - gate: the release that reads orders.state is live everywhere
contract:
  - revision: f6e5d4c3b2a1
    irreversible: status can be computed from state
    archive: [orders.status]
"""


@pytest.fixture(scope="session")
def example() -> str:
    return EXAMPLE


@pytest.fixture(scope="session")
def read() -> Read:
    return lambda text: parse_plan(dedent(text), Path("plans/0001_x.yaml"))


@pytest.fixture(scope="session")
def refuse() -> Refuse:
    def errors(text: str) -> list[PlanError]:
        with pytest.raises(PlanError) as raised:
            parse_plan(dedent(text), Path("plans/0001_x.yaml"))
        return [raised.value, *(error for error in raised.value.others if isinstance(error, PlanError))]

    return errors
