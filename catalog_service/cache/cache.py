"""The cache: cache-aside over Redis, for DTOs. It may be slow, stale by at most its TTL, or gone; never in the way.

An entry is kept under its question and under the marks of the subjects it shows. A change sets new marks after its
commit, and with them every entry that shows the subject is out of reach, without anybody listing them. A mark is also
a warning: as long as the replica may lag, an entry for the subject is made from the primary.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError
from redis import Redis, RedisError

from catalog_service.cache.breaker import Breaker
from catalog_service.observability.metrics import Metrics

SCHEMA_VERSION = 1
"""Part of every key: raise it when a DTO changes, and old entries are never seen again."""

_PREFIX = f"catalog:{SCHEMA_VERSION}"
_JITTER = 0.1
_LOCK_SECONDS = 2.0
_WAITS = 10
_WAIT_SECONDS = 0.02

D = TypeVar("D", bound=BaseModel)
L_co = TypeVar("L_co", bound=BaseModel, covariant=True)


class Load(Protocol[L_co]):
    """Makes an entry; from the primary if `fresh`."""

    def __call__(self, *, fresh: bool) -> L_co | None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What is asked for: a kind of answer, the question, and the subjects that the answer shows."""

    kind: str
    question: Mapping[str, Any]
    subjects: tuple[str, ...]

    def key(self, marks: Collection[str]) -> str:
        """Return where the answer is kept, the same however the question was put."""
        asked = {name: str(value) for name, value in self.question.items() if value is not None}
        text = json.dumps([asked, list(marks)], sort_keys=True)
        return f"{_PREFIX}:{self.kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class Cache:
    """Cache-aside with a lock against stampedes.

    Args:
        url: of the Redis server; empty for no cache.
        ttl: seconds that an entry lives at most.
        doubt: seconds after a change for which entries are made from the primary.
    """

    def __init__(
        self, url: str, metrics: Metrics, *, ttl: float, doubt: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._redis = (
            Redis.from_url(url, socket_connect_timeout=0.2, socket_timeout=0.25, decode_responses=True) if url else None
        )
        self._metrics = metrics
        self._ttl = ttl
        self._doubt = doubt
        self._sleep = sleep
        self._breaker = Breaker()

    def get(self, entry: Entry, model: type[D], load: Load[D], *, fresh: bool = False) -> D | None:
        """Return the answer, from the cache or made now.

        Args:
            entry: what is asked for.
            model: of the answer.
            load: makes the answer; None is not kept.
            fresh: make it from the primary if it has to be made.
        """
        try:
            return self._get(entry, model, load, fresh)
        except RedisError:
            self._breaker.failed()
        self._metrics.cache.labels(entry.kind, "unavailable").inc()
        return load(fresh=fresh)

    def changed(self, subjects: Collection[str]) -> bool:
        """Put every entry that shows one of the subjects out of reach; return whether that was done."""
        if self._redis is None:
            return True
        mark = f"{time.time():.3f}-{secrets.token_hex(4)}"
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for subject in subjects:
                    # Outlives every entry that was made before it.
                    pipeline.set(_mark(subject), mark, ex=int(2 * self._ttl) + 1)
                pipeline.execute()
        except RedisError:
            self._breaker.failed()
            return False
        return True

    def ping(self) -> None:
        """Ask whether the cache is there."""
        if self._redis is not None:
            self._redis.ping()

    def close(self) -> None:
        """Close all connections."""
        if self._redis is not None:
            self._redis.close()

    def _get(self, entry: Entry, model: type[D], load: Load[D], fresh: bool) -> D | None:
        redis = self._redis
        if redis is None or not self._breaker.closed():
            self._metrics.cache.labels(entry.kind, "unavailable" if redis else "off").inc()
            return load(fresh=fresh)
        marks = [str(mark or "") for mark in redis.mget([_mark(subject) for subject in entry.subjects])]
        key = entry.key(marks)
        if (kept := _kept(redis, key, model)) is not None:
            self._metrics.cache.labels(entry.kind, "hit").inc()
            return kept
        self._metrics.cache.labels(entry.kind, "miss").inc()
        return self._make(redis, key, model, load, fresh or self._doubtful(marks))

    def _make(self, redis: Redis, key: str, model: type[D], load: Load[D], fresh: bool) -> D | None:
        lock = f"{key}:lock"
        alone = redis.set(lock, "1", nx=True, px=int(_LOCK_SECONDS * 1000))
        if not alone:
            for _ in range(_WAITS):
                self._sleep(_WAIT_SECONDS)
                if (kept := _kept(redis, key, model)) is not None:
                    return kept
        made = load(fresh=fresh)
        try:
            self._keep(redis, key, made)
            if alone:
                redis.delete(lock)
        except RedisError:
            self._breaker.failed()
        return made

    def _keep(self, redis: Redis, key: str, made: BaseModel | None) -> None:
        if made is not None:
            seconds = self._ttl * (1 - _JITTER * random.random())  # noqa: S311 - spreads expiry, no secret
            redis.set(key, made.model_dump_json(), px=max(int(seconds * 1000), 1))

    def _doubtful(self, marks: Collection[str]) -> bool:
        moments = [float(mark.partition("-")[0]) for mark in marks if mark]
        return bool(moments) and time.time() - max(moments) < self._doubt


def _kept(redis: Redis, key: str, model: type[D]) -> D | None:
    if (kept := redis.get(key)) is None:
        return None
    try:
        return model.model_validate_json(cast("str", kept))
    except ValidationError:
        return None  # of another release, whose DTO was different


def _mark(subject: str) -> str:
    return f"{_PREFIX}:mark:{subject}"
