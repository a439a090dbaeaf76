"""The load as a process of its own, for tests and demonstrations: starts it, talks to it, collects its figures."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from catalog_schema.load.shapes import Form


class LoadError(Exception):
    """The load ended, or could not begin; its output says why."""


@dataclass(frozen=True, slots=True)
class BucketResult:
    """The figures of the requests between two marks; latencies in milliseconds, counted from when a request was due."""

    name: str
    requests: int
    failed: int
    failures: list[dict[str, Any]]
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Results:
    """All that a load has seen.

    Attributes:
        buckets: by name, in the order of the marks; the first is called ``start``.
        writes: how many writes were acknowledged.
        verified: whether they were looked for in the end.
        lost: how many of them the database does not hold.
        examples: some of those, as plain data.
    """

    buckets: dict[str, BucketResult]
    writes: int
    verified: bool
    lost: int
    examples: list[dict[str, Any]]

    @property
    def requests(self) -> int:
        """How many requests came in."""
        return sum(bucket.requests for bucket in self.buckets.values())

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(bucket.failed for bucket in self.buckets.values())

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What failed, bucket by bucket."""
        return [{"bucket": bucket.name, **one} for bucket in self.buckets.values() for one in bucket.failures]

    @property
    def slowest(self) -> float:
        """The longest latency, in milliseconds."""
        return max((bucket.max for bucket in self.buckets.values()), default=0.0)


class Load:
    """A load on the catalog at `url` while `plan` runs; a context manager that ends it in any case."""

    def __init__(
        self,
        url: str,
        plan: str = "product-tags",
        shape: Form = "old",
        *,
        workers: int = 4,
        rate: float = 160.0,
        seed: int = 1,
        verify: bool = True,
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "catalog_schema.load", "--plan", plan, "--shape", shape),
            *("--workers", str(workers), "--rate", str(rate), "--seed", str(seed)),
            "--verify" if verify else "--no-verify",
        ]
        self._url = url
        self._process: subprocess.Popen[str] | None = None
        self._buckets: dict[str, BucketResult] = {}
        self._results: Results | None = None

    def __enter__(self) -> Self:
        """Start the load; return once requests come in."""
        # The address travels in the environment, where `ps` does not show its password, and a Ctrl-C in the
        # terminal is for the parent: the end of our input stops the load even when the parent was killed.
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, "DATABASE_URL": self._url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            self._answer("ready")
        except LoadError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the load at once, unless it was stopped."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    @property
    def pid(self) -> int:
        """The number of the process that makes the load."""
        assert self._process is not None
        return self._process.pid

    def switch(self, shape: Form) -> None:
        """Release another application; return when no request of the one before is under way."""
        self._send(f"shape {shape}")
        self._answer("shape")

    def mark(self, name: str) -> BucketResult:
        """Begin another bucket and return the one before."""
        self._send(f"mark {name}")
        return self._bucket()

    def stop(self) -> Results:
        """Let no more requests in, look for lost writes, and return all figures."""
        if self._results is None:
            self._send("stop")
            self._bucket()
            end = self._answer("stopped")
            self._results = Results(self._buckets, end["writes"], end["verified"], end["lost"], end["examples"])
        return self._results

    def _bucket(self) -> BucketResult:
        figures = self._answer("bucket")
        del figures["event"]
        bucket = self._buckets[figures["name"]] = BucketResult(**figures)
        return bucket

    def _send(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self, event: str) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadError(f"the load ended with exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if answer["event"] != event:
            raise LoadError(f"expected {event}, got {answer}")
        return answer
