"""Latencies and failures of the requests between two marks; measures nothing itself."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Bucket:
    """What happened to the requests that began between two marks."""

    name: str
    _latencies: list[float] = field(default_factory=list)
    _failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count a request that was answered, by its latency."""
        self._latencies.append(seconds)

    def fail(self, seconds: float, request: str, sqlstate: str, message: str) -> None:
        """Count a request that was not."""
        self._latencies.append(seconds)
        self._failures[request, sqlstate, message] += 1

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain data, latencies in milliseconds."""
        ordered = sorted(self._latencies)
        return {
            "name": self.name,
            "requests": len(ordered),
            "failed": self._failures.total(),
            "failures": [
                {"request": request, "sqlstate": sqlstate, "message": message, "count": count}
                for (request, sqlstate, message), count in self._failures.most_common(20)
            ],
            "p50": _percentile(ordered, 50),
            "p95": _percentile(ordered, 95),
            "p99": _percentile(ordered, 99),
            "max": _percentile(ordered, 100),
        }


def _percentile(ordered: list[float], percent: int) -> float:
    """Return the nearest-rank percentile in milliseconds."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[rank - 1] * 1000, 3)
