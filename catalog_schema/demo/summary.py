"""What the demonstration comes down to: turns its figures into text and into a verdict; measures nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from catalog_schema.demo.waits import INTERVAL
from catalog_schema.load import BucketResult, Results

_HEAD = f"{'':<24}{'requests':>10}{'failed':>8}{'p50':>10}{'p99':>10}{'slowest':>10}"


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured.

    Attributes:
        results: what the application noticed, one bucket per act.
        longest_wait: seconds that a request stood behind a lock of migrator, None where none was seen to.
        rows: how many rows the backfill walked.
        seconds: how long it took.
    """

    results: Results
    longest_wait: float | None
    rows: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the application noticed nothing."""
        return not self.results.failed and not self.results.lost


def lines(figures: Figures) -> Iterator[str]:
    """Yield the figures line by line."""
    results = figures.results
    yield _HEAD
    yield from map(_row, results.buckets.values())
    yield ""
    yield f"{results.requests:,} requests, {results.failed:,} failed"
    yield f"{results.writes:,} writes acknowledged, {results.lost:,} lost"
    yield f"longest wait of a request for a lock of migrator: {_wait(figures.longest_wait)}"
    yield f"backfill: {figures.rows:,} rows in {figures.seconds:.0f} s, {figures.rows / figures.seconds:,.0f} rows/s"
    yield from (f"failed in {one['bucket']}: {one['request']}: {one['message']}" for one in results.failures)
    yield from (f"lost: {one}" for one in results.examples)


def _row(bucket: BucketResult) -> str:
    times = "".join(f"{_milliseconds(time):>10}" for time in (bucket.p50, bucket.p99, bucket.max))
    return f"{bucket.name:<24}{bucket.requests:>10,}{bucket.failed:>8,}{times}"


def _wait(seconds: float | None) -> str:
    looked = f"{INTERVAL * 1000:.0f} ms"
    if seconds is None:
        return f"none seen, looking every {looked}"
    return f"{_milliseconds(seconds * 1000)}, looking every {looked}"


def _milliseconds(time: float) -> str:
    return f"{time:,.1f} ms" if time < 10 else f"{time:,.0f} ms"
