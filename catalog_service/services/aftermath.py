"""Who asks, and what follows a commit: cache entries out of reach, the worker told, the client's own writes in view."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from catalog_service.cache import Cache, Entry
from catalog_service.cache.cache import Load
from catalog_service.jobs.queue import Queue
from catalog_service.observability.metrics import Metrics

D = TypeVar("D", bound=BaseModel)


@dataclass(slots=True)
class Client:
    """The client of a request.

    Attributes:
        fresh: it wrote a moment ago and reads from the primary.
        past_cache: the cache could not be told of what it wrote, so it reads past the cache as well.
        wrote: it has written in this request.
    """

    fresh: bool = False
    past_cache: bool = False
    wrote: bool = False

    def ask(self, cache: Cache, entry: Entry, model: type[D], load: Load[D]) -> D | None:
        """Return an answer that is new enough for this client."""
        if self.past_cache:
            return load(fresh=True)
        return cache.get(entry, model, load, fresh=self.fresh)


class Aftermath:
    """What is done after a commit; none of it can make the write fail."""

    def __init__(self, cache: Cache, queue: Queue, metrics: Metrics) -> None:
        self._cache = cache
        self._queue = queue
        self._metrics = metrics

    def of(self, client: Client, product_ids: Sequence[int], subjects: Collection[str]) -> None:
        """Do what follows the change of these products."""
        client.wrote = True
        client.past_cache = not self._cache.changed(subjects)
        if not self._queue.refresh(product_ids):
            self._metrics.unpublished.inc()
