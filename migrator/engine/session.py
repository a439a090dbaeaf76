"""One run of one plan while a command works on it: the database held, the ledger open, the means the steps use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg

from migrator.engine.events import BuildProgress, Emit, Event, LockRetry, StatementFinished, StepRef
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.ledger.ledger import Ledger, Run, StepRow
from migrator.ledger.lock import DatabaseLock
from migrator.plan import Plan
from migrator.postgres.queries import query
from migrator.postgres.watcher import Watcher
from migrator.revisions.builds import BuildState
from migrator.revisions.conductor import Companion, Ran
from migrator.revisions.runner import Environment, Refused, Runner
from migrator.sql.effects import Effect

HOLD_UP = 20  # sessions that may queue behind a waiting statement of ours before it is cancelled
LOCK_CHECK_INTERVAL = 1.0  # seconds
UNRECORDED = frozenset({"rows", "build-progress", "statement"})  # progress; the journal and the slices have the rest


class Session:
    """What a step is given to do its work with. Made by `open_session`, which holds the database meanwhile."""

    def __init__(self, target: Target, plan: Plan, emit: Emit, stop: Stop, lock: DatabaseLock | None) -> None:
        self.target = target
        self.plan = plan
        self.stop = stop
        self.ledger: Ledger = target.ledger
        self.run: Run | None = None
        self.current: tuple[StepRef, StepRow] | None = None
        self.companion: Companion = lambda _cursor, _effect: None
        self._emit = emit
        self._lock = lock
        self._lock_checked = 0.0

    @property
    def lock_timeout(self) -> float:
        """Seconds that one attempt waits for a lock."""
        return (self.plan.lock_timeout or self.target.settings.lock_timeout).total_seconds()

    @property
    def lock_wait(self) -> float:
        """Seconds until a lock is given up."""
        return (self.plan.lock_wait or self.target.settings.lock_wait).total_seconds()

    @cached_property
    def working(self) -> psycopg.Connection:
        """The connection that chunks and checks run on."""
        connection = self.target.connect(f"{self.target.command} {self.plan.plan}")
        self.stop.on_hard(connection.cancel)
        return connection

    @cached_property
    def watcher(self) -> Watcher:
        return Watcher(lambda: self.target.connect("watcher"), HOLD_UP)

    @cached_property
    def runner(self) -> Runner:
        """The runner of the project's revisions."""
        return Runner(
            self.target.project,
            Environment(
                url=self.target.url,
                application=f"migrator {self.target.command} {self.plan.plan}",
                lock_timeout=self.lock_timeout,
                lock_wait=self.lock_wait,
                build_wait=self.target.settings.build_wait.total_seconds(),
                watcher=self.watcher,
                ran=self._ran,
                building=self._building,
                refused=self._refused,
                check=self.check,
                sleep=self.stop.sleep,
                companion=self._accompany,
                adopted=lambda connection: self.stop.on_hard(connection.cancel),
            ),
        )

    def check(self) -> None:
        """Raise what must end the work here: a stop that was asked for, or the database lock lost.

        Raises:
            Interrupted, ConnectionLostError
        """
        self.stop.check()
        if self._lock and time.monotonic() - self._lock_checked > LOCK_CHECK_INTERVAL:
            self._lock.check()
            self._lock_checked = time.monotonic()

    def emit(self, event: Event) -> None:
        """Tell the display and, unless it is mere progress, the ledger."""
        self._emit(event)
        if self.run and event.name not in UNRECORDED:
            data = {key: value for key, value in event.to_json().items() if key not in ("event", "step")}
            self.ledger.event(self.run.id, self.current[1].id if self.current else None, event.name, data)

    @property
    def ref(self) -> StepRef | None:
        """The step that is being worked on."""
        return self.current[0] if self.current else None

    def _accompany(self, cursor: Any, effect: Effect) -> None:
        self.companion(cursor, effect)

    def _ran(self, ran: Ran) -> None:
        lock = next(iter(ran.effect.locks), None)
        relation = lock.relation.quoted() if lock and lock.relation else ""
        self.emit(
            StatementFinished(
                step=self.ref,
                sql=ran.sql,
                lock=lock.mode.words if lock else "",
                relation=relation,
                online=ran.online,
                milliseconds=ran.milliseconds,
            )
        )

    def _building(self, state: BuildState) -> None:
        self.emit(
            BuildProgress(
                step=self.ref,
                relation=state.relation,
                phase=state.phase,
                done=state.done,
                total=state.total,
                seconds=state.seconds,
                blockers=state.blockers,
            )
        )

    def _refused(self, refused: Refused) -> None:
        self.emit(
            LockRetry(
                step=self.ref,
                relation=refused.relation,
                attempt=refused.attempt,
                timeout=refused.timeout,
                delay=refused.delay,
                remaining=refused.remaining,
                blockers=refused.blockers,
            )
        )


@contextmanager
def open_session(target: Target, plan: Plan, emit: Emit, stop: Stop) -> Iterator[Session]:
    """Hold the database for a run of `plan`, with whatever a killed run left behind put to rest.

    Raises:
        DatabaseHeldError, PoolerError
    """
    lock = DatabaseLock(target.connect(f"{target.command} {plan.plan} (lock)"))
    lock.acquire()
    session = Session(target, plan, emit, stop, lock)
    _end_leftovers(target)
    yield session


def _end_leftovers(target: Target) -> None:
    """End sessions of an earlier run that was killed: a server process may go on for a while without its client.

    Whoever holds the database lock is the only run, so every other working session is a leftover.
    """
    own: list[Any] = [one.info.backend_pid for one in target._open]  # noqa: SLF001 - its own module's neighbour
    rows = target.asking.execute(query("leftover_sessions"), {"spare": own}).fetchall()
    for (pid,) in rows:
        target.asking.execute(query("end_session"), {"pid": pid})
