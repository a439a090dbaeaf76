"""Workers of a backfill in Celery: one task, and the process that leads them.

    celery --app migrator.engine.celery worker

A task carries the ids of a run, a step and an attempt, and nothing else. What there is to do, what is done and who does
what is in the ledger, so the queue may lose a task, deliver it twice, late, or again: a worker that finds nothing to do
for these ids ends. A task works for a while only, so that a worker can be shut down and a stop is heard.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

import psycopg
from celery import Celery
from kombu.exceptions import OperationalError as QueueError
from psycopg.types.json import Jsonb

from migrator.backfill.failures import failed_rows, message_of
from migrator.backfill.slices import free_slices
from migrator.backfill.walk import Walked
from migrator.backfill.worker import RowFailedError
from migrator.durations import format_duration
from migrator.engine import rows
from migrator.engine.refused import most_refused
from migrator.engine.session import Session
from migrator.engine.steps import backfill
from migrator.engine.stop import Stop
from migrator.engine.target import Target, open_target
from migrator.errors import MigratorError, UnavailableError, UsageError
from migrator.ledger.ledger import Run, StepRow
from migrator.ledger.lock import KEY
from migrator.plan import Plan
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.connect import ConnectionLostError, connection_lost, is_lost
from migrator.postgres.queries import query
from migrator.settings import Settings, load_settings

_LOG = logging.getLogger(__name__)
TASK = "migrator.fill"
SHIFT = 30.0  # seconds after which a task comes to rest behind its chunk
EXPIRES = 60  # seconds after which the queue forgets a task that nobody took
LOOK_INTERVAL = 0.25  # seconds between two looks at the ledger by the process that leads
FIRST_CALL, LONGEST_CALL = 1.0, 30.0  # seconds between two calls for workers while none comes


class NoBrokerError(UsageError):
    """`--engine celery` needs a broker, and none is set.

    Set `broker` in the settings file, or MIGRATOR_BROKER, to the address of the queue, such as redis://host:6379/0. The
    workers go by the same settings: `celery --app migrator.engine.celery worker`.
    """

    code = "MG169"


class WorkerGaveUpError(UnavailableError):
    """A Celery worker could not go on, and said why in the ledger.

    What is committed stays. Mend the cause and run the same command again.
    """

    code = "MG207"


class BrokerError(UnavailableError):
    """The broker of the Celery workers cannot be reached.

    Nothing depends on what is in the queue. Start the broker, or correct its address, and run the same command again.
    """

    code = "MG208"


@cache
def queue(broker: str) -> Celery:
    """Return the Celery application whose tasks go through `broker`."""
    app = Celery("migrator", broker=broker)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": 5, "max_retries": 1},
    )
    app.task(name=TASK)(fill)
    return app


def __getattr__(name: str) -> Celery:
    """Make `app` when Celery's own command asks for it, by the settings of the folder it runs in."""
    if name != "app":
        raise AttributeError(name)
    return queue(broker_of(_settings()))


def broker_of(settings: Settings) -> str:
    """Return the address of the queue.

    Raises:
        NoBrokerError
    """
    if settings.broker is None:
        raise NoBrokerError(
            "no broker is set for --engine celery",
            help="set broker in the settings file, or MIGRATOR_BROKER=redis://host:6379/0",
        )
    return settings.broker


# The process that leads.


def lead(
    session: Session, step: Backfill, row: StepRow, purpose: str, *, walked: Walked, workers: Callable[[], int]
) -> Walked:
    """Let Celery workers fill what the slices of one purpose of a step hold, and return when all is done.

    Raises:
        NoBrokerError, BrokerError, WorkerGaveUpError
        RowFailedError: rows were refused, more than it goes on with.
    """
    app, run = queue(broker_of(session.target.settings)), session.run
    assert run
    (attempt,) = session.working.execute("SELECT attempts FROM migrator.steps WHERE id = %s", (row.id,)).fetchone() or (
        0,
    )
    session.working.execute(query("step_set_work"), {"step": row.id, "work": Jsonb(_work(session, step, purpose))})
    calls = _Calls(app, (run.id, row.id, attempt))
    most = most_refused(backfill.skip_of(step))
    try:
        while True:
            done = _look(session, row, purpose, walked)
            failed = failed_rows(session.working, row.id, purpose)
            if done:
                break
            if len(failed) > most:
                raise RowFailedError(str(failed[-1]))
            session.check()
            calls.call(workers() - walked.workers)
            session.stop.sleep(LOOK_INTERVAL)
    except BaseException:
        # From here on no worker is given a slice, and what they hold is taken from them: then nobody writes.
        session.ledger.set_run(run.id, "stopped")
        free_slices(session.working, row.id, purpose)
        raise
    return walked


def _look(session: Session, row: StepRow, purpose: str, walked: Walked) -> bool:
    """Take in how far the workers have come; tell whether all is done."""
    found = session.working.execute(query("slices_state"), {"step": row.id, "purpose": purpose}).fetchone()
    assert found
    done, rows_done, changed, total, workers, error = found
    if error:
        raise WorkerGaveUpError(
            f"a worker could not go on: {error}",
            notes=["what was committed is in the ledger"],
            help="when that is mended, run the same command again",
        )
    walked.count(rows_done, changed, total, workers, session.asked().pause)
    rows.report(session, walked)
    return bool(done) or done is None


@dataclass
class _Calls:
    """Calls workers, less and less often while none comes."""

    app: Celery
    ids: tuple[int, int, int]
    _pause: float = FIRST_CALL
    _next: float = 0.0

    def call(self, missing: int) -> None:
        if missing <= 0:
            self._pause = FIRST_CALL
            return
        if time.monotonic() < self._next:
            return
        try:
            for _ in range(missing):
                self.app.send_task(TASK, args=self.ids, expires=EXPIRES)
        except (QueueError, OSError) as error:
            raise BrokerError(
                "the broker of the Celery workers cannot be reached",
                notes=[str(error).splitlines()[0]],
                help="start it, or correct `broker` in the settings, and run the same command again",
            ) from error
        self._next = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_CALL)


def _work(session: Session, step: Backfill, purpose: str) -> dict[str, Any]:
    written = json.dumps(step.model_dump(exclude_unset=True, by_alias=True), default=_plain)
    times = {"lock_timeout": session.lock_timeout, "lock_wait": session.lock_wait}
    return {"step": json.loads(written), "purpose": purpose, **times}


def _plain(value: object) -> object:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


# A worker.


def fill(run: int, step: int, attempt: int) -> None:
    """Work on the slices of a step for a while, if this attempt is still the one under way."""
    del run  # for whoever reads the queue: the step knows its run
    try:
        _fill(step, attempt)
    except MigratorError as error:
        _LOG.error("%s: %s", error.code, error)
    except psycopg.Error as error:
        if not is_lost(error):
            raise
        _LOG.error("%s: %s", ConnectionLostError.code, connection_lost(error))


def _fill(step: int, attempt: int) -> None:
    with open_target(_settings(), command="worker") as target:
        if not target.has_ledger:
            return
        found = target.asking.execute(query("step_open"), {"step": step, "attempt": attempt, "key": KEY}).fetchone()
        if found is None:
            return
        *own, work = found
        run = Run(*own)
        row = next(one for one in target.ledger.steps(run.id) if one.id == step)
        with _Assistant(target, run, work) as session:
            _assist(session, Backfill.model_validate(work["step"]), row, attempt, work["purpose"])


class _Assistant(Session):
    """A session that helps with a run that another process leads, and so does not take the database for itself."""

    def __init__(self, target: Target, run: Run, work: dict[str, Any]) -> None:
        lock_timeout, lock_wait = timedelta(seconds=work["lock_timeout"]), timedelta(seconds=work["lock_wait"])
        plan = Plan.model_construct(plan=run.plan, lock_timeout=lock_timeout, lock_wait=lock_wait)
        super().__init__(target, plan, lambda _: None, Stop())
        self.run = run

    def __enter__(self) -> Self:
        return self


def _assist(session: Session, step: Backfill, row: StepRow, attempt: int, purpose: str) -> None:
    end, looked, is_open = time.monotonic() + SHIFT, 0.0, True

    def halted() -> bool:
        nonlocal looked, is_open
        now = time.monotonic()
        if now - looked > LOOK_INTERVAL:
            found = session.target.asking.execute(
                query("step_open"), {"step": row.id, "attempt": attempt, "key": KEY}
            ).fetchone()
            looked, is_open = now, found is not None
        return not is_open or now > end

    try:
        backfill.assist(session, step, row, attempt=attempt, purpose=purpose, halted=halted)
    except RowFailedError:
        pass  # the row is in the ledger, where the process that leads finds it
    except (MigratorError, psycopg.Error) as error:
        text = message_of(error) if isinstance(error, psycopg.Error) else str(error)
        noted = {"step": row.id, "purpose": purpose, "error": text}
        session.target.asking.execute(query("slice_note_error"), noted)


def _settings() -> Settings:
    return load_settings({}, environ=os.environ, cwd=Path.cwd())
