"""A connection that does not wait for ever: a server that hangs says nothing, and keeps no time of its own."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, event

T = TypeVar("T")


def limit_waiting(engine: Engine, seconds: float) -> None:
    """Let the engine give up a connection whose server has not answered for so long, as it does one that broke."""

    class Connection(psycopg.Connection[Any]):
        def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
            return super().wait(_limited(self, gen, seconds), *arguments, **options)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        return Connection.connect(*arguments, **options)


def _limited(
    connection: psycopg.Connection[Any], work: Generator[Any, Any, T], seconds: float
) -> Generator[Any, Any, T]:
    """Do the work of a connection as psycopg does, which now and then hands over that nothing has come yet."""
    deadline = time.monotonic() + seconds
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= deadline:
                connection.pgconn.finish()
                raise psycopg.OperationalError(f"the server has not answered for {seconds:g} s")
            wanted = work.send(ready)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what a generator returns is not typed
