"""Units of work: on which server, in which shape, and begun again where the schema moved beneath them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from catalog_service.observability.logging import logger
from catalog_service.observability.metrics import Metrics
from catalog_service.repositories.flags import Flags
from catalog_service.repositories.lag import ReplicaWatch
from catalog_service.repositories.sessions import Server, Sessions
from catalog_service.repositories.shape import Shape
from catalog_service.services.errors import UnavailableError

T = TypeVar("T")
Work = Callable[[Session, Shape], T]

# What a statement meets whose columns have gone, or whose prepared plan is of another time.
_MOVED = (pg.UndefinedColumn, pg.UndefinedTable, pg.FeatureNotSupported)
_AGAIN = (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)
_ATTEMPTS = 4


class Units:
    """Runs units of reading and of writing."""

    def __init__(
        self, sessions: Sessions, flags: Flags, watch: ReplicaWatch | None, metrics: Metrics, lag_limit: float
    ) -> None:
        self._sessions = sessions
        self._flags = flags
        self._watch = watch
        self._metrics = metrics
        self._lag_limit = lag_limit

    def read(self, work: Work[T], *, fresh: bool) -> T:
        """Return what `work` reads, from the replica unless it has to be `fresh`."""
        if not fresh and self._replica_will_do():
            try:
                return self._read("replica", work)
            except (DBAPIError, PoolTimeoutError) as error:
                self._leave_replica(error)
        return self._persist(lambda: self._read("primary", work))

    def write(self, work: Work[T]) -> T:
        """Return what `work` returns, once all that it wrote is committed."""

        def attempt() -> T:
            shape = self._flags.shape()
            with self._sessions.writing() as session:
                return work(session, shape)

        return self._persist(attempt)

    def compared(self, move: str, differs: bool) -> None:
        """Count a comparison of the two columns of a move."""
        self._metrics.compared.labels(move).inc()
        if differs:
            self._metrics.mismatches.labels(move).inc()
            logger().warning("old and new column differ", move=move)

    def lag(self) -> float | None:
        """Return how far the replica is behind, None where there is none that answers."""
        return self._watch.lag() if self._watch else None

    def _read(self, server: Server, work: Work[T]) -> T:
        with self._sessions.reading(server) as session:
            found = work(session, self._flags.shape())
        self._metrics.reads.labels(server).inc()
        return found

    def _replica_will_do(self) -> bool:
        if self._watch is None:
            return False
        lag = self._watch.lag()
        self._metrics.lag.set(-1 if lag is None else lag)
        if lag is not None and lag <= self._lag_limit:
            return True
        self._metrics.fallbacks.labels("down" if lag is None else "lag").inc()
        return False

    def _leave_replica(self, error: DBAPIError | PoolTimeoutError) -> None:
        original = getattr(error, "orig", None)
        if isinstance(original, pg.ReadOnlySqlTransaction):
            raise error  # a write that was routed wrongly must be seen
        if isinstance(original, _MOVED):
            self._flags.look_again()
            self._metrics.fallbacks.labels("schema").inc()
            return
        if self._watch is not None and not isinstance(original, _AGAIN):
            self._watch.failed()
        self._metrics.fallbacks.labels("error").inc()

    def _persist(self, attempt: Callable[[], T]) -> T:
        for left in reversed(range(_ATTEMPTS)):
            try:
                return attempt()
            except PoolTimeoutError as error:
                raise UnavailableError("all connections to the database are busy") from error
            except DBAPIError as error:
                if isinstance(error.orig, _MOVED) and left:
                    self._metrics.repeats.labels("schema").inc()
                    self._flags.look_again()
                elif isinstance(error.orig, _AGAIN) and left:
                    self._metrics.repeats.labels("lock").inc()
                elif isinstance(error, OperationalError):
                    raise UnavailableError("the database does not answer") from error
                else:
                    raise
        raise AssertionError("the last attempt returns or raises")
