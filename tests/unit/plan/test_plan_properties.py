"""Whatever is in a file, reading it ends in a plan or in errors that point into the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.errors import MigratorError
from migrator.plan import Plan, load_plan, parse_plan
from migrator.plan.source import Source

TOKENS = st.sampled_from(
    [
        *(
            "plan: p\n",
            "expand:\n",
            "migrate: ",
            "contract:\n",
            "  - revision: ab\n",
            "  - backfill:\n",
            "requires: [p]\n",
        ),
        *(
            "      table: t\n",
            "set: {a: b}",
            "{",
            "}",
            "[",
            "]",
            "- ",
            ": ",
            ", ",
            "\n",
            "  ",
            "\t",
            "#",
            "'",
            '"',
            "|\n",
            ">-\n",
        ),
        *(
            "on",
            "no: x",
            "~",
            "&a ",
            "*a",
            "<<: ",
            "!!str ",
            "!x ",
            "---\n",
            "...\n",
            "? ",
            "%YAML 1.1\n",
            "\u2028",
            "\x85",
            "\r",
        ),
        *(
            "0123",
            "1e5",
            "5s",
            "true",
            "é",
            "\U0001f600",
            "\ufeff",
            "\0",
            "throttle: {replica_lag: 5s}",
            "archive: [a.b]\n",
        ),
    ]
)
SOUP = st.lists(TOKENS | st.text(max_size=3), max_size=40).map("".join)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Draw a text with some pieces cut out, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(TOKENS | st.just("") | st.just(text[start:end] * 2)) + text[end:]
    return text


def errors_of(read: Callable[[], Plan]) -> list[MigratorError]:
    """Return the errors of a plan, none for one that has steps."""
    try:
        assert read().step_count > 0
    except MigratorError as error:
        return [error, *error.others]
    return []


@settings(deadline=None)
@given(st.data())
def test_any_text_is_a_plan_or_errors_that_point_into_it(example: str, data: st.DataObject) -> None:
    """No text may look like a bug in migrator."""
    text = data.draw(SOUP | damaged(example))
    lines = Source(Path("x"), text).lines
    for error in errors_of(lambda: parse_plan(text, Path("x.yaml"))):
        assert (error.message, error.exit_code) > ("", 0)
        if error.where and error.where.line:
            assert error.where.excerpt == lines[error.where.line - 1]
            assert 1 <= error.where.column <= len(error.where.excerpt) + 1


@settings(deadline=None)
@given(st.binary(max_size=60) | SOUP.map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_a_plan_or_errors(data: bytes) -> None:
    """Nobody promised that the file is text."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "x.yaml")
        path.write_bytes(data)
        assert all(error.exit_code == 2 for error in errors_of(lambda: load_plan(path)))
