"""How many rows a chunk takes follows from how long chunks took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migrator.backfill.size import GROWTH, LARGEST, SMALLEST, ChunkSize

ROWS = st.integers(SMALLEST, LARGEST)
TARGETS = st.floats(0.01, 60)
SECONDS = st.floats(0, 3600)
RATES = st.floats(1, 1e7)  # rows per second


def observed(size: ChunkSize, seconds: float) -> tuple[int, int]:
    """Tell `size` how long its chunk took; return its rows before and after."""
    before = size.rows
    size.observe(before, seconds)
    return before, size.rows


@given(ROWS, TARGETS, st.lists(SECONDS, min_size=1, max_size=30))
def test_it_stays_within_its_bounds_and_grows_by_half_at_most(rows: int, target: float, times: list[float]) -> None:
    size = ChunkSize(rows, target)
    for seconds in times:
        before, after = observed(size, seconds)
        assert SMALLEST <= after <= LARGEST
        assert after <= before * GROWTH + 1


@given(ROWS, TARGETS, RATES)
def test_at_a_constant_rate_a_chunk_soon_lasts_as_long_as_it_should(rows: int, target: float, rate: float) -> None:
    size = ChunkSize(rows, target)
    for _ in range(40):
        observed(size, size.rows / rate)
    wanted = min(max(rate * target, SMALLEST), LARGEST)
    assert abs(size.rows - wanted) <= 1


@given(ROWS, TARGETS, RATES, st.floats(0.1, 10))
def test_it_follows_a_rate_that_changes(rows: int, target: float, rate: float, factor: float) -> None:
    size = ChunkSize(rows, target)
    for now in [rate] * 40 + [rate * factor] * 60:
        observed(size, size.rows / now)
    wanted = min(max(rate * factor * target, SMALLEST), LARGEST)
    assert abs(size.rows - wanted) <= 1 + wanted * 0.01


@given(ROWS, TARGETS, st.lists(SECONDS, max_size=5), st.booleans())
def test_each_failure_halves_it_down_to_one_row(rows: int, target: float, times: list[float], fixed: bool) -> None:
    size = ChunkSize(rows, target, fixed)
    for seconds in times:
        observed(size, seconds)
    while size.rows > 1:
        before = size.rows
        size.shrink()
        assert size.rows == before // 2
    size.shrink()
    assert size.rows == 1


@given(ROWS, TARGETS, st.integers(1, 20), st.lists(SECONDS, min_size=60, max_size=60))
def test_after_failures_it_grows_back_by_half_at_most(
    rows: int, target: float, failures: int, times: list[float]
) -> None:
    size = ChunkSize(rows, target)
    for _ in range(failures):
        size.shrink()
    for seconds in times:
        before, after = observed(size, seconds)
        assert after <= before * GROWTH + 1
    assert size.rows >= SMALLEST


@given(ROWS, TARGETS, st.lists(SECONDS, max_size=20))
def test_a_fixed_size_is_kept_whatever_a_chunk_takes(rows: int, target: float, times: list[float]) -> None:
    size = ChunkSize(rows, target, fixed=True)
    for seconds in times:
        assert observed(size, seconds) == (rows, rows)


@given(ROWS, TARGETS, st.integers(1, 20))
def test_a_fixed_size_comes_back_after_failures(rows: int, target: float, failures: int) -> None:
    size = ChunkSize(rows, target, fixed=True)
    for _ in range(failures):
        size.shrink()
    for _ in range(40):
        before, after = observed(size, 1.0)
        assert after <= before * GROWTH + 1
    assert size.rows == rows
