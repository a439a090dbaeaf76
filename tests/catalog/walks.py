"""Runs of the shipped plans that die at a chosen event, and what a database holds in each phase."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migrator.engine import run
from migrator.engine.approvals import approve
from migrator.engine.events import Event
from migrator.engine.stop import Stop
from migrator.engine.target import open_target
from migrator.plan import Phase, Plan, find_plan, identifiers, load_plan
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.server.binaries import Binaries
from migrator.settings import Settings, load_settings
from tests.catalog.alembic_steps import ROOT
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.dump import dump_schema
from tests.support.sessions import wait_for_the_end

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.catalog.walks", "migrator.engine.run"])
LONGEST = 60.0
PHASES = ("start", *map(str, Phase))


@dataclass(frozen=True, slots=True)
class Moment:
    """The `number`-th event of a run, in words that are the same in each run."""

    number: int
    phase: str
    words: str


def forward(url: str, name: str, to: str | None = None, dies_at: int = 0) -> list[Moment]:
    """Apply a plan through all its gates, or die at an event of it; return the events there were."""
    settings, plan = _plan(url, name)
    moments: list[Moment] = []
    emit = _mortal(moments, dies_at)
    with open_target(settings, command="apply") as target:
        while run.apply(target, plan, to=Phase(to) if to else None, emit=emit, stop=Stop()) == "waiting":
            approve(target, plan, by="tests", note="")
    return moments


def back(url: str, name: str, to: str, dies_at: int = 0) -> list[Moment]:
    """Roll a plan back, or die at an event of it; return the events there were."""
    settings, plan = _plan(url, name)
    moments: list[Moment] = []
    with open_target(settings, command="rollback") as target:
        run.rollback(target, plan, to=to, emit=_mortal(moments, dies_at), stop=Stop())
    return moments


def killed(way: Any, url: str, *args: object) -> bool:
    """Call `forward` or `back` in a process of its own; tell whether it was killed, as by `kill -9`."""
    process = _FORKS.Process(target=way, args=(url, *args))
    process.start()
    process.join(LONGEST)
    assert process.exitcode in (0, -signal.SIGKILL), f"{args} ended with {process.exitcode}"
    wait_for_the_end(url)
    return process.exitcode != 0


def state_of(database: Database, binaries: Binaries, name: str, phase: str) -> dict[str, Any]:
    """Return what the database holds, but for values that going back to `phase` rightly leaves where they are.

    Those are what a backfill behind the phase has written: it is filled again, or said to be irreversible.
    """
    _, plan = _plan(database.url, name)
    left = _written_behind(plan, phase)
    with database.connect() as connection:
        content = content_of(connection)
        for table in [one for one in content if one in left]:
            content[table] = _rows(connection, table, left[table])
    return {**content, "dump": _dump(database.url, binaries)}


def _written_behind(plan: Plan, phase: str) -> dict[str, set[str] | None]:
    """Return the columns of each table that backfills behind `phase` write; None for all of them."""
    found: dict[str, set[str] | None] = {}
    for where, _, step in plan.steps():
        if isinstance(step, Backfill) and PHASES.index(where) > PHASES.index(phase):
            if step.into:
                found[identifiers(step.into)[-1]] = None
            else:
                found[identifiers(step.table)[-1]] = {identifiers(column)[-1] for column in step.set}
    return found


def _rows(connection: psycopg.Connection, table: str, without: set[str] | None) -> Any:
    if without is None:
        return None
    query = sql.SQL(
        "SELECT count(*), md5(string_agg(one, ';' ORDER BY one COLLATE \"C\")) "
        "FROM (SELECT (to_jsonb(t) - %s::text[])::text AS one FROM {} t) AS rows"
    )
    return connection.execute(query.format(sql.Identifier(table)), [list(without)]).fetchone()


def _dump(url: str, binaries: Binaries) -> list[str]:
    """Return the lines of the dump; a column that was dropped and came back stands last, so their order is left out."""
    text = re.sub(r"zz_migrator_\d+", "zz_migrator_N", dump_schema(url, binaries))
    lines = (line.strip().removesuffix(",") for line in text.splitlines())
    return sorted(filter(None, lines))


def _plan(url: str, name: str) -> tuple[Settings, Plan]:
    settings = load_settings({"database_url": url}, environ={}, cwd=ROOT)
    return settings, load_plan(find_plan(name, settings.plans))


def _mortal(moments: list[Moment], dies_at: int) -> Any:
    def emit(event: Event) -> None:
        for words in _told(event):
            phase = str(event.step.phase) if event.step else "start"
            moments.append(Moment(len(moments) + 1, phase, words))
            if len(moments) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    return emit


def _told(event: Event) -> Iterator[str]:
    if event.name in ("step-started", "step-finished", "statement", "rows"):
        yield f"{event.name} {event.step.kind if event.step else ''}"
