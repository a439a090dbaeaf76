"""What running revisions needs from outside, and what it tells: plain data, so that nothing below knows the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrator.postgres.blockers import Blocker
from migrator.postgres.watcher import Watcher
from migrator.revisions.builds import BuildState
from migrator.revisions.piecework import Companion, Ran


@dataclass(frozen=True, slots=True)
class Refused:
    """A lock that was not granted, and when it is tried again. Times in seconds."""

    relation: str
    attempt: int
    timeout: float
    delay: float
    remaining: float
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a runner works with.

    Attributes:
        url: the target, in place of the one that the project's own configuration names.
        application: what pg_stat_activity shows.
        lock_timeout, lock_wait, build_wait: seconds.
        check: raises what stops the run between two tries.
        sleep: waits between two tries; may raise as `check` does.
        companion: runs what belongs into the transaction of a statement.
        adopted: is told the driver's connection that revisions run on.
        began: is told each revision whose function is about to run, and its direction.
        accepted: says why a plan accepts what a revision takes away; empty where none does.
        allow: exceptions from the rules of `check`, as the settings have them.
    """

    url: str
    application: str
    lock_timeout: float
    lock_wait: float
    build_wait: float
    watcher: Watcher
    ran: Callable[[Ran], None]
    building: Callable[[BuildState], None]
    refused: Callable[[Refused], None]
    check: Callable[[], None]
    sleep: Callable[[float], None]
    companion: Companion
    adopted: Callable[[Any], None]
    began: Callable[[str, str], None] = lambda _revision, _direction: None
    accepted: Callable[[str], str] = lambda _revision: ""
    allow: tuple[str, ...] = ()
