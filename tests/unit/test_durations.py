"""Lengths of time are read and written in one way everywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.durations import MAX_DURATION, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2), ("10m", 600), ("1h", 3600), ("30d", 2_592_000), ("0s", 0), ("007s", 7)],
)
def test_a_whole_number_and_a_unit_are_a_duration(text: str, seconds: float) -> None:
    """All units that plans use."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "2", "s", "2 s", "1.5s", "-1s", "2S", "1w", "2s\n", "٢s", "1e3s", "1h30m", "999999999999d", "366d"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """Nobody should have to look up the format."""
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


@given(
    st.timedeltas(timedelta(0), MAX_DURATION).map(
        lambda value: timedelta(milliseconds=value // timedelta(milliseconds=1))
    )
)
def test_what_is_written_is_read_back(duration: timedelta) -> None:
    """Whole milliseconds are all there is."""
    assert parse_duration(format_duration(duration)) == duration


def test_the_bounds_are_named_where_they_are_crossed() -> None:
    """Both of them."""
    with pytest.raises(ValueError, match="from 1s to 1h, not 999ms"):
        parse_duration("999ms", least=timedelta(seconds=1), most=timedelta(hours=1))
    with pytest.raises(ValueError, match="from 0s to 1h, not 61m"):
        parse_duration("61m", most=timedelta(hours=1))
