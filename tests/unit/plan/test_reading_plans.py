"""A plan file that is right becomes the plan that a person meant."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

from migrator.plan import Phase, Plan, kinds, load_plan
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.gate import Gate
from migrator.plan.steps.revision import Revision
from migrator.plan.steps.verify import Verify
from migrator.plan.throttle import ReplicaLag

Read: TypeAlias = Callable[[str], Plan]


def test_the_example_has_all_its_steps_in_the_order_of_execution(read: Read, example: str) -> None:
    """Phases and numbers are what the ledger and the terminal go by."""
    plan = read(example)
    assert [(phase, index, step.title()) for phase, index, step in plan.steps()] == [
        (Phase.EXPAND, 1, "revision a1b2c3d4e5f6"),
        (Phase.EXPAND, 2, "dual_write orders.state"),
        (Phase.MIGRATE, 1, "backfill orders.state"),
        (Phase.MIGRATE, 2, "verify orders"),
        (Phase.MIGRATE, 3, "gate the release that reads orders.state is live everywhere"),
        (Phase.CONTRACT, 1, "revision f6e5d4c3b2a1"),
    ]
    assert plan.step_count == 6


def test_the_example_has_all_its_values(read: Read, example: str) -> None:
    """Every key of the example arrives, with its type."""
    plan = read(example)
    assert (plan.plan, plan.requires, plan.path) == ("order-state", ("first-steps",), Path("plans/0001_x.yaml"))
    assert (plan.lock_timeout, plan.lock_wait) == (timedelta(seconds=3), None)
    assert plan.expand[1] == DualWrite(
        table="orders", forward={"state": "status_name(status)"}, backward={"status": "status_number(state)"}
    ).at(plan.expand[1].location)
    backfill = plan.migrate[0]
    assert isinstance(backfill, Backfill)
    assert (backfill.chunk_rows, backfill.chunk_target, backfill.fixed) == (5000, timedelta(milliseconds=250), False)
    assert backfill.throttle is not None
    assert backfill.throttle.replica_lag == ReplicaLag(time=timedelta(seconds=5))
    contract = plan.contract[0]
    assert isinstance(contract, Revision)
    assert (contract.irreversible, contract.archive) == ("status can be computed from state", ("orders.status",))


def test_a_step_knows_its_place_in_the_file(read: Read, example: str) -> None:
    """Errors of a run point at the step in the file."""
    where = read(example).migrate[1].location
    assert (where.line, where.column, where.excerpt) == (20, 5, "  - verify:")
    assert where.context == "migrate, step 2: verify orders"


@pytest.mark.parametrize("text", ["0123", "1e5", "123456789012", "0x1f", "1_000", "true", "null", "1.50", "007e1"])
def test_a_revision_is_the_text_in_the_file(read: Read, text: str) -> None:
    """YAML would make another value of each of these."""
    step = read(f"plan: p\nexpand:\n  - revision: {text}\n").expand[0]
    assert isinstance(step, Revision)
    assert step.revision == text


def test_texts_that_yaml_takes_for_booleans_stay_texts(read: Read) -> None:
    """A table may be called "on", and a reason may be "yes"."""
    plan = read(
        """
        plan: 2024
        expand:
          - revision: ab
            irreversible: yes
        migrate:
          - verify: {table: on, none: false}
          - gate: 2024-01-01
        """
    )
    assert plan.plan == "2024"
    assert plan.expand[0].irreversible == "yes"
    assert (plan.migrate[0].table, plan.migrate[0].none, plan.migrate[1].gate) == ("on", "false", "2024-01-01")


def test_block_texts_lose_only_the_space_around_them(read: Read) -> None:
    """Long expressions are written as YAML blocks."""
    plan = read(
        """
        plan: p
        migrate:
          - verify:
              table: t
              none: |
                a IS NULL
                AND b
        """
    )
    assert plan.migrate[0].none == "a IS NULL\nAND b"


@pytest.mark.parametrize("nothing", ["", " []", " null", " ~"])
def test_a_phase_without_steps_may_be_written(read: Read, nothing: str) -> None:
    """A template keeps its empty phases."""
    plan = read(f"plan: p\nrequires:{nothing}\nexpand:\n  - gate: x\nmigrate:{nothing}\n")
    assert (plan.requires, plan.migrate, plan.step_count) == ((), (), 1)


def test_a_gate_may_stand_in_every_phase(read: Read) -> None:
    """A person may have to say so before anything is added, too."""
    plan = read("plan: p\nexpand: [{gate: a}]\nmigrate: [{gate: b}]\ncontract: [{gate: c}]\n")
    assert [step.gate for _, _, step in plan.steps()] == ["a", "b", "c"]


def test_a_split_into_another_table_is_read(read: Read) -> None:
    """One row of the new table stands for one row of the old."""
    plan = read(
        """
        plan: p
        expand:
          - dual_write:
              table: shop.products
              into: '"Product SEO"'
              key: {product_id: id}
              forward: {title: seo_title}
              backward: {seo_title: title}
        migrate:
          - backfill:
              table: shop.products
              into: '"Product SEO"'
              set: {product_id: id, title: seo_title}
        """
    )
    assert plan.expand[0].key == {"product_id": "id"}
    assert plan.migrate[0].title() == 'backfill "Product SEO".product_id, title'


def test_a_byte_order_mark_does_not_matter(tmp_path: Path, example: str) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "x.yaml"
    path.write_text(example, encoding="utf-8-sig")
    assert load_plan(path).plan == "order-state"


def test_every_kind_of_step_is_a_file_of_its_package() -> None:
    """The kinds are found, not listed."""
    assert kinds() == {
        "backfill": Backfill,
        "dual_write": DualWrite,
        "gate": Gate,
        "revision": Revision,
        "verify": Verify,
    }


def test_a_long_gate_has_a_short_title() -> None:
    """Titles stand in tables."""
    assert len(Gate(gate="word " * 100).title()) <= 72


def test_plans_are_read_without_any_driver() -> None:
    """`--help` and `check` stay instant."""
    program = """
        import sys, migrator.plan
        print(*{"sqlalchemy", "alembic", "psycopg", "rich", "typer", "postgast"} & sys.modules.keys())
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
