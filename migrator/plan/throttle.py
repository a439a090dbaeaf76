"""Responsible for the form of what a backfill waits for; not for reading any of it from a server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from migrator.durations import DURATION_PATTERN
from migrator.plan.document import kind_of
from migrator.plan.fields import Expression, FieldError, Flag, Listing, Or, PositiveDuration, Text, whole_number
from migrator.plan.step import Part

SIZE_PATTERN = "^[0-9]{1,9}(kB|MB|GB|TB)$"
RATE_PATTERN = "^[0-9]{1,9}(kB|MB|GB|TB)/s$"
WINDOW_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
_UNITS = {"kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def _bytes(pattern: str, example: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        found = isinstance(value, str) and re.fullmatch(pattern, value)
        if not found:
            raise FieldError(f"must be a size such as {example}, not {kind_of(value)}")
        return int(re.sub("[^0-9].*", "", found[0])) * _UNITS[found[1]]

    return read


def _number(least: float, most: float) -> Callable[[object], object]:
    def read(value: object) -> object:
        text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text):
            raise FieldError(f"must be a number from {least:g} to {most:g}, not {kind_of(value)}")
        if not least <= float(text) <= most:
            raise FieldError(f"must be from {least:g} to {most:g}, not {text}")
        return float(text)

    return read


def _window(value: object) -> object:
    entries = (value,) if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise FieldError(f"must be a time window such as 22:00-06:00, or a list of them, not {kind_of(value)}")
    for entry in entries:
        if not isinstance(entry, str) or not re.fullmatch(WINDOW_PATTERN, entry):
            raise FieldError(f"must be a time window such as 22:00-06:00, not {kind_of(entry)}")
        if entry[:5] == entry[6:]:
            raise FieldError(f"must begin and end at different times, not {entry}")
    return tuple(map(str, entries))


def _numeric(least: float, most: float) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", "minimum": least, "maximum": most})


MOST_SESSIONS = 100_000
_SIZE_SCHEMA = {"type": "string", "pattern": SIZE_PATTERN, "examples": ["64MB", "2GB"]}
Size = Annotated[int, BeforeValidator(_bytes(SIZE_PATTERN, "64MB")), WithJsonSchema(_SIZE_SCHEMA)]
Rate = Annotated[
    int,
    BeforeValidator(_bytes(RATE_PATTERN, "20MB/s")),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN, "examples": ["20MB/s"]}),
]
Windows = Annotated[
    tuple[str, ...],
    BeforeValidator(_window),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": WINDOW_PATTERN},
                {"type": "array", "items": {"type": "string", "pattern": WINDOW_PATTERN}, "minItems": 1},
            ]
        }
    ),
]
Waiters = Annotated[
    int,
    whole_number(0, MOST_SESSIONS),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST_SESSIONS}),
]
Sessions = Annotated[
    int,
    whole_number(1, MOST_SESSIONS),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_SESSIONS}),
]
AnyNumber = Annotated[float, BeforeValidator(_number(0, 1e12)), _numeric(0, 1e12)]


class ReplicaLag(Part):
    """How far standbys may be behind."""

    time: PositiveDuration | None = Field(default=None, description="In time.")
    bytes: Size | None = Field(default=None, description="In WAL that is not replayed yet.")
    standbys: Listing[Text] = Field(
        default=(), description="Only these, by application_name; one that is not connected stops the work."
    )


def _replica_lag(value: object) -> object:
    if isinstance(value, str):
        if re.fullmatch(SIZE_PATTERN, value):
            return {"bytes": value}
        if not re.fullmatch(DURATION_PATTERN, value):
            raise FieldError(f"must be a duration such as 5s or a size such as 64MB, not {value!r}")
        return {"time": value}
    if isinstance(value, dict) and "time" not in value and "bytes" not in value:
        raise FieldError("needs time or bytes", advice="such as {time: 5s, bytes: 64MB}")
    return value


class Query(Part):
    """A number that an SQL query gives."""

    sql: Expression = Field(description="A query that returns one row with one number; its time limit is 2 s.")
    limit: AnyNumber = Field(description="Wait while the number is larger.")


class Http(Part):
    """What an HTTP address answers."""

    url: Text = Field(description="Asked with GET; an answer other than 2xx stops the work.")
    field: Text | None = Field(
        default=None, description="Where the number stands in the JSON that is answered, such as latency.p95."
    )
    limit: AnyNumber | None = Field(default=None, description="Wait while the number is larger.")


def _http(value: object) -> object:
    found = {"url": str(value)} if isinstance(value, str) else value
    if isinstance(found, dict):
        url = str(found.get("url", "http://"))
        if urlsplit(url).scheme not in ("http", "https"):
            raise FieldError("must be an address that begins with http:// or https://")
        if "field" in found and "limit" not in found:
            raise FieldError("needs a limit for the number in field")
    return found


class Throttle(Part):
    """Signals that make a backfill wait; any one is enough, and one that cannot be read stops the work too."""

    replica_lag: Annotated[
        ReplicaLag | None,
        BeforeValidator(_replica_lag),
        Or({"type": "string", "pattern": DURATION_PATTERN}, _SIZE_SCHEMA),
    ] = Field(
        default=None,
        description="Wait while a standby is further behind: `5s`, `64MB` or `{time: 5s, bytes: 64MB, standbys: [a]}`.",
    )
    wal_rate: Rate | None = Field(default=None, description="Wait while the server writes more WAL, such as 20MB/s.")
    wal_kept: Size | None = Field(
        default=None, description="Wait while more WAL is kept for a replication slot or the archiver."
    )
    lock_waiters: Waiters | None = Field(
        default=None, description="Wait while more sessions than this wait for locks that the backfill holds."
    )
    active_sessions: Sessions | None = Field(
        default=None, description="Wait while more sessions than this are active; the backfill's own do not count."
    )
    oldest_transaction: PositiveDuration | None = Field(
        default=None, description="Wait while a transaction is open for longer: VACUUM cannot clean up behind it."
    )
    autovacuum: Flag | None = Field(
        default=None, description="Wait while a VACUUM that is not ours works on the table."
    )
    bloat: Annotated[float, BeforeValidator(_number(1.1, 10)), _numeric(1.1, 10)] | None = Field(
        default=None,
        description="Run VACUUM in pace, and wait where dead rows would make the table so many times as large.",
    )
    checkpoint: Annotated[float, BeforeValidator(_number(0.1, 10)), _numeric(0.1, 10)] | None = Field(
        default=None, description="Wait while the WAL since the last checkpoint is a larger share of max_wal_size."
    )
    query: Query | None = Field(default=None, description="Wait while a number that a query gives is above a limit.")
    http: Annotated[Http | None, BeforeValidator(_http), Or({"type": "string", "pattern": "^https?://"})] = Field(
        default=None,
        description="Wait while an HTTP address does not answer 2xx, or the number it answers is above a limit.",
    )
    flag_file: Text | None = Field(default=None, description="Wait while this file exists on the machine of the run.")
    nice: Annotated[float, BeforeValidator(_number(0, 100)), _numeric(0, 100)] | None = Field(
        default=None,
        description="Rest after each chunk, so many times as long as it took.",
    )
    window: Windows | None = Field(
        default=None,
        description="Work only at these times of the local day, such as 22:00-06:00.",
    )
