"""A command that holds the database: the lock that makes it the only one, and the means to run revisions."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import psycopg

from migrator.engine.events import BuildProgress, Emit, Event, LockRetry, RevisionStarted, StatementFinished, StepRef
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.ledger.lock import DatabaseLock
from migrator.postgres.queries import query
from migrator.postgres.watcher import Watcher
from migrator.sql.effects import Effect

if TYPE_CHECKING:
    from migrator.revisions.builds import BuildState
    from migrator.revisions.means import Refused
    from migrator.revisions.piecework import Companion, Ran
    from migrator.revisions.runner import Runner

HOLD_UP = 20  # sessions that may queue behind a waiting statement of ours before it is cancelled
LOCK_CHECK_INTERVAL = 1.0  # seconds


class Holding:
    """The database, held for one piece of work. Use it as a context manager; `name` says which work in sessions.

    Raises, on entering:
        DatabaseHeldError, PoolerError
    """

    def __init__(self, target: Target, name: str, emit: Emit, stop: Stop) -> None:
        self.target = target
        self.name = f"{target.command} {name}"
        self.stop = stop
        self.companion: Companion = lambda _cursor, _effect: None
        self._emit = emit
        self._closing = ExitStack()
        self._lock: DatabaseLock | None = None
        self._lock_checked = 0.0
        self._connections: dict[int, psycopg.Connection] = {}

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            lock = DatabaseLock(closing.enter_context(self.target.connect(f"{self.name} (lock)")))
            lock.acquire()
            closing.callback(lock.release)
            self._end_leftovers()
            self._lock, self._closing = lock, closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def lock_timeout(self) -> float:
        """Seconds that one attempt waits for a lock."""
        return self.target.settings.lock_timeout.total_seconds()

    @property
    def lock_wait(self) -> float:
        """Seconds until a lock is given up."""
        return self.target.settings.lock_wait.total_seconds()

    @property
    def ref(self) -> StepRef | None:
        """The step that is being worked on, if it is one of a plan."""
        return None

    @property
    def working(self) -> psycopg.Connection:
        """The connection that chunks and checks run on."""
        return self.connection(1)

    def connection(self, number: int) -> psycopg.Connection:
        """Return the working connection of the worker `number`, counted from 1."""
        if number not in self._connections:
            connection = self._closing.enter_context(self.target.connect(self.name))
            self.stop.on_hard(connection.cancel)
            self._connections[number] = connection
        return self._connections[number]

    @property
    def own_pids(self) -> frozenset[int]:
        """The server processes of the working connections."""
        return frozenset(connection.info.backend_pid for connection in self._connections.values())

    @cached_property
    def watcher(self) -> Watcher:
        return self._closing.enter_context(Watcher(lambda: self.target.connect("watcher"), HOLD_UP))

    @cached_property
    def runner(self) -> Runner:
        """The runner of the project's revisions."""
        from migrator.revisions import driver  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second
        from migrator.revisions.means import Means  # noqa: PLC0415
        from migrator.revisions.runner import Runner  # noqa: PLC0415

        return Runner(
            self.target.project,
            Means(
                url=self.target.url,
                application=f"migrator {self.name}",
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
                began=self._began,
                accepted=self.accepted,
                allow=self.target.settings.allow,
                adopted=lambda connection: self.stop.on_hard(lambda: driver.cancel(connection)),
            ),
        )

    def accepted(self, revision: str) -> str:
        """Return why a plan of the project accepts what a revision takes away; empty where none does."""
        from migrator.engine.acceptances import any_acceptance  # noqa: PLC0415 - plans are rarely asked

        return any_acceptance(self.target.settings.plans, revision)

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
        """Tell the display what happened."""
        self._emit(event)

    def _end_leftovers(self) -> None:
        """End sessions of an earlier run that was killed: a server process may go on for a while without its client.

        Whoever holds the database lock is the only run, so every other working session is a leftover.
        """
        asking = self.target.asking
        own = {"spare": [asking.info.backend_pid]}
        for (pid,) in asking.execute(query("leftover_sessions"), own).fetchall():
            asking.execute(query("end_session"), {"pid": pid})

    def _accompany(self, cursor: Any, effect: Effect) -> None:
        self.companion(cursor, effect)

    def _began(self, revision: str, direction: str) -> None:
        message = self.target.project.script(revision).doc or ""
        self.emit(RevisionStarted(step=self.ref, revision=revision, direction=direction, message=message))

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
