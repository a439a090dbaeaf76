"""Lets requests come in at a steady rate, whatever happens to the ones before; knows no SQL.

Open loop: a request's latency counts from the moment it was due, so that a stall shows in every request it delayed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

import psycopg
from psycopg import AsyncConnection

from catalog_schema.load.acknowledged import Lost
from catalog_schema.load.application import Application, Connection
from catalog_schema.load.bucket import Bucket
from catalog_schema.load.shapes import Form, shapes


class Driver:
    """A number of workers that answer the requests which are due."""

    def __init__(self, url: str, plan: str, form: Form, *, workers: int, rate: float, seed: int) -> None:
        self._url = url
        self._plan = plan
        self._shapes = shapes(plan, form)
        self._rate = rate
        self._workers = workers
        self._application = Application(seed)
        self._bucket = Bucket("start")
        self._arrivals = count()
        self._begun = 0.0
        self._under_way: set[asyncio.Future[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        """Look around in the database and let requests come in."""
        async with self._connection() as connection:
            await self._application.begin(connection)
        self._begun = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def switch(self, form: Form) -> None:
        """Release another application; return when no request of the one before is under way."""
        self._shapes = shapes(self._plan, form)
        await self._drain()

    async def mark(self, name: str) -> Bucket:
        """Begin another bucket and return the one before, complete."""
        finished, self._bucket = self._bucket, Bucket(name)
        await self._drain()
        return finished

    async def stop(self) -> Bucket:
        """Let no more requests in and return the last bucket."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        return self._bucket

    async def lost(self) -> list[Lost]:
        """Return every acknowledged write that the running application cannot read back."""
        async with self._connection() as connection:
            return [row for shape in self._shapes for row in await self._application.lost(connection, shape)]

    @property
    def writes(self) -> int:
        """How many writes were acknowledged."""
        return self._application.writes

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        connection: Connection | None = None
        while True:
            due = self._begun + next(self._arrivals) / self._rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._stopping:
                break
            with self._counted():
                connection = await self._answer(connection, due)
        if connection is not None:
            await connection.close()

    async def _answer(self, connection: Connection | None, due: float) -> Connection | None:
        """Answer one request; return the connection if it is fit for the next one."""
        bucket, request = self._bucket, self._application.next_request()
        shape = self._application.pick(self._shapes)
        clock = asyncio.get_running_loop().time
        try:
            if connection is None:
                connection = await self._connect()
            await request(connection, shape)
        except psycopg.Error as error:
            message = str(error).partition("\n")[0]
            bucket.fail(clock() - due, request.__name__, error.sqlstate or type(error).__name__, message)
            if connection is not None and connection.broken:
                connection = None
        else:
            bucket.add(clock() - due)
        return connection

    async def _drain(self) -> None:
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        done = asyncio.get_running_loop().create_future()
        self._under_way.add(done)
        try:
            yield
        finally:
            self._under_way.discard(done)
            done.set_result(None)

    async def _connect(self) -> Connection:
        return await AsyncConnection.connect(self._url, autocommit=True, application_name="catalog")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await self._connect()
        async with connection:
            yield connection
