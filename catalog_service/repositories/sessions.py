"""Sessions: one per scope (a request, a job), each unit of work on the server it was begun for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.sql import Delete, Insert, Update

Server = Literal["primary", "replica"]


class RoutingSession(Session):
    """A session that sends what it writes to the primary, and reads to where its unit of work was begun."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **_: Any) -> Engine:  # noqa: ARG002
        """Return the engine for a statement."""
        engines: dict[Server, Engine] = self.info["engines"]
        if self._flushing or isinstance(clause, Insert | Update | Delete):
            return engines["primary"]
        return engines[self.info.get("server", "primary")]


class Sessions:
    """The scoped session of an application.

    Args:
        primary: where writes go.
        replica: where reads may go; None to read from the primary.
        scope: tells requests and jobs apart; each has a session of its own.
    """

    def __init__(self, primary: Engine, replica: Engine | None, scope: Callable[[], Hashable] | None) -> None:
        self.engines: dict[Server, Engine] = {"primary": primary}
        if replica is not None:
            self.engines["replica"] = replica
        # autoflush off: what is read in the middle of a unit of work never writes as a side effect.
        make = sessionmaker(
            class_=RoutingSession, autoflush=False, expire_on_commit=False, info={"engines": self.engines}
        )
        self.scoped = scoped_session(make, scopefunc=scope)

    @contextmanager
    def reading(self, server: Server) -> Iterator[Session]:
        """Yield the session for a unit of reading; nothing of it stays behind."""
        session = self.scoped()
        session.info["server"] = server
        try:
            yield session
        finally:
            session.rollback()
            session.expunge_all()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield the session for a unit of writing, committed at the end and rolled back on an error."""
        session = self.scoped()
        session.info["server"] = "primary"
        try:
            with session.begin():
                yield session
        finally:
            session.expunge_all()

    def remove(self) -> None:
        """Close the session of this scope, if there is one."""
        self.scoped.remove()

    def dispose(self) -> None:
        """Close all connections."""
        for engine in self.engines.values():
            engine.dispose()
