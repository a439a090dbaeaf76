from __future__ import annotations

import io

import pytest

from migrator.cli.confirm import confirm
from migrator.cli.errors import NotConfirmedError
from migrator.view.streams import Streams


def streams(typed: str) -> Streams:
    return Streams(io.StringIO(typed), io.StringIO(), io.StringIO(), {})


@pytest.mark.parametrize("typed", ["y\n", "YES\n", " yes "])
def test_yes_goes_on_and_the_question_is_not_part_of_the_answer(typed: str) -> None:
    asked = streams(typed)

    confirm("undo [public.orders]\x1b?", asked)

    assert asked.err.getvalue() == "undo [public.orders]\\x1b? [y/N] "  # type: ignore[attr-defined]  # a StringIO
    assert asked.out.getvalue() == ""  # type: ignore[attr-defined]  # a StringIO


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yess\n"])
def test_anything_else_changes_nothing(typed: str) -> None:
    with pytest.raises(NotConfirmedError) as refused:
        confirm("undo?", streams(typed))

    assert refused.value.exit_code == 1
