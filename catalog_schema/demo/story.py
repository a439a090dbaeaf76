"""The acts of the demonstration, in order; how commands are run and figures are shown is elsewhere."""

import time
from pathlib import Path

import psycopg

from catalog_schema.demo import summary
from catalog_schema.demo.stage import Stage
from catalog_schema.demo.waits import LockWaits
from catalog_schema.load import Load
from catalog_schema.seed import Sizes
from catalog_schema.seed import load as seed

_PLAN = "product-tags"
_SETTLE = 1.0
_SAMPLE = 2.0
"""Seconds of load that are measured when all is over; before, the plan is shown meanwhile."""
_OTHER_ROWS = 20
"""One variant, price and review for so many products: the story is about the products."""


def tell(stage: Stage, url: str, rows: int, keep: Path | None) -> bool:
    """Show the change from beginning to end and return whether the application noticed nothing."""
    _fill(stage, url, rows)
    stage.heading("An application reads and writes it, through the old column")
    with LockWaits(url) as waits, Load(url, _PLAN, "old") as load:
        time.sleep(_SETTLE)
        load.mark("before")
        _change(stage, load)
        _change_back_and_forth(stage, load)
        load.mark("after")
        time.sleep(_SAMPLE)
        results = load.stop()
    steps = stage.ask(f"status {_PLAN}")["runs"][0]["steps"]
    backfill = next(step for step in steps if step["kind"] == "backfill")
    figures = summary.Figures(results, waits.longest, backfill["rows_done"], backfill["seconds"])
    stage.heading("What the application noticed")
    for line in summary.lines(figures):
        stage.line(line)
    _where_next(stage, keep)
    return figures.good


def _fill(stage: Stage, url: str, rows: int) -> None:
    with psycopg.connect(url, application_name="demo") as connection:
        version = connection.info.server_version // 10000
        stage.heading(f"A catalog of {rows:,} products on a private PostgreSQL {version}")
        stage.quietly("apply baseline")
        started = time.monotonic()
        others = rows // _OTHER_ROWS
        seed(connection, Sizes(rows, others, others, others), seed=1, report=stage.passing)
    stage.line(f"filled in {time.monotonic() - started:.0f} s")


def _change(stage: Stage, load: Load) -> None:
    stage.heading("What the plan would do")
    stage.migrator(f"plan {_PLAN}")

    stage.heading("Expand: the new column, and triggers that keep both in step")
    load.mark("expand")
    stage.migrator(f"apply {_PLAN} --to expand")

    stage.heading("Migrate: fill the new column in small chunks; Ctrl-C would be safe at any moment")
    load.mark("backfill")
    stage.migrator(f"backfill {_PLAN}")

    stage.heading("Migrate: check every row, build the index, and stop at the gate")
    load.mark("verify, index")
    stage.migrator(f"apply {_PLAN}", expect=3)

    stage.heading("Release the application that uses the new column, first beside the old one, and say so")
    load.mark("release")
    load.switch("mixed")
    time.sleep(_SETTLE)
    load.switch("new")
    stage.migrator(f'approve {_PLAN} --note "release 2 is live"')

    stage.heading("Contract: remove the old column")
    load.mark("contract")
    stage.migrator(f"apply {_PLAN} --yes")


def _change_back_and_forth(stage: Stage, load: Load) -> None:
    stage.heading("Somebody needs the old release again: take contract back")
    load.mark("roll back")
    stage.migrator(f"rollback {_PLAN} --to migrate --yes")
    load.mark("old release again")
    load.switch("old")
    time.sleep(_SETTLE)

    stage.heading("And forward again")
    load.mark("contract again")
    load.switch("new")
    stage.migrator(f"apply {_PLAN} --yes")


def _where_next(stage: Stage, keep: Path | None) -> None:
    stage.heading("Where to go next")
    if keep:
        stage.line(f"  the database you have just seen:  export DATABASE_URL=embedded:{keep.absolute()}")
        stage.line("                                    migrator history product-tags")
        stage.line("  the next change of the catalog:   migrator plan rename-column")
    stage.line("  the plan you have just seen:      plans/0002_product_tags.yaml")
    stage.line("  the first one of your own:        docs/howto/first-migration.md")
