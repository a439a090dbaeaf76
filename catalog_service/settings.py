"""The settings of the service: every one from the environment, none read at import time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

PREFIX = "CATALOG_"


class SettingsError(Exception):
    """A setting is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment decides; the environment variable of a field is its name in capitals after `CATALOG_`.

    Attributes:
        database_url: the primary; `DATABASE_URL` where `CATALOG_DATABASE_URL` is not set.
        replica_url: a standby for reads; empty for none.
        secret_key: signs cursors and the cookie that a write leaves; the same in every process.
        read_from_replica: whether reads may go to the standby at all.
        replica_lag_limit: seconds; a standby further behind is not read.
        own_writes_window: seconds for which a client that wrote reads from the primary. Longer than the lag limit,
            or its write could be missing when it returns to the standby.
        redis_url: cache and broker; empty for no cache and no jobs.
        mongodb_url: the document store of the read model; empty for none, then reports come from SQL.
        cache_ttl: seconds that an entry lives; shortened at random by up to a tenth, so that none expire together.
        slow_query: seconds after which a statement is logged, and its plan for one in `slow_query_sample`.
    """

    database_url: str
    secret_key: str
    replica_url: str = ""
    redis_url: str = ""
    mongodb_url: str = ""
    mongodb_database: str = "catalog"
    read_from_replica: bool = True
    replica_lag_limit: float = 2.0
    own_writes_window: float = 5.0
    cache_ttl: float = 60.0
    pool_size: int = 10
    pool_overflow: int = 5
    pool_recycle: int = 1800
    pool_timeout: float = 5.0
    statement_timeout: float = 5.0
    connect_timeout: int = 3
    slow_query: float = 0.25
    slow_query_sample: int = 10
    sql_timings: bool = False
    telemetry: bool = False

    def __post_init__(self) -> None:
        if self.own_writes_window <= self.replica_lag_limit:
            raise SettingsError(
                f"{PREFIX}OWN_WRITES_WINDOW ({self.own_writes_window:g} s) must be longer than "
                f"{PREFIX}REPLICA_LAG_LIMIT ({self.replica_lag_limit:g} s)"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            SettingsError: one is missing, unknown or not of its type.
        """
        given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        given.setdefault(f"{PREFIX}DATABASE_URL", environment.get("DATABASE_URL", ""))
        known = {f"{PREFIX}{field.name.upper()}": field for field in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            raise SettingsError(f"unknown setting {unknown[0]}; known are {', '.join(sorted(known))}")
        for name in (f"{PREFIX}DATABASE_URL", f"{PREFIX}SECRET_KEY"):
            if not given.get(name):
                raise SettingsError(f"{name} is not set")
        return cls(**{known[name].name: _read(name, str(known[name].type), value) for name, value in given.items()})


def _boolean(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]


_READERS: Mapping[str, Callable[[str], Any]] = {"str": str, "int": int, "float": float, "bool": _boolean}


def _read(name: str, kind: str, text: str) -> Any:
    try:
        return _READERS[kind](text)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{name} is {text!r}, which is no {kind}") from error
