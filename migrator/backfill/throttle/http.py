"""What an HTTP address answers: its status, and perhaps a number such as the 95th percentile of a service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal, UnreadableSignal
from migrator.plan import throttle as plan

TIME_LIMIT = 2.0  # seconds
MOST_BYTES = 1_000_000
LAST_GOOD = 299


class Http(Signal):
    """Waits while the address does not answer 2xx, or the number in its answer is above the limit."""

    key = "http"
    every = 1.0
    limit: plan.Http

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        del connection
        status, body = self._get()
        seen = [Observation(f"{self.key} status", status, LAST_GOOD)]
        if self.limit.limit is not None and status <= LAST_GOOD:
            what = f"{self.key} {self.limit.field}" if self.limit.field else self.key
            seen.append(Observation(what, self._number(body), self.limit.limit))
        return seen

    def _get(self) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.limit.url, timeout=TIME_LIMIT) as answer:  # noqa: S310 - http(s) only: the plan checks
                return answer.status, answer.read(MOST_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, b""
        except (HTTPException, ValueError) as error:
            raise UnreadableSignal("no HTTP answer") from error

    def _number(self, body: bytes) -> float:
        try:
            found = json.loads(body)
            for part in self.limit.field.split(".") if self.limit.field else ():
                found = found[part]
            return float(found)
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableSignal(f"no number at {self.limit.field or 'the top'} of the answer") from error
