from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.view.printable import cleaned, one_line, padded, printable, shown, width


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    data: dict[str, object]
    count: int


@given(st.text())
def test_no_text_can_steer_a_terminal(text: str) -> None:
    kept = printable(text)

    assert not [c for c in kept if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


@given(st.text(st.characters(whitelist_categories=("L", "N", "P", "Zs"))))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_every_text_inside_a_report_is_made_printable() -> None:
    report = Outer((Inner("\x1b[1m"),), {"\x07": ["\x00"]}, 1)

    assert cleaned(report) == Outer((Inner("\\x1b[1m"),), {"\\x07": ["\\x00"]}, 1)


def test_padding_counts_cells_and_not_characters() -> None:
    assert width("名前") == 4
    assert padded("名前", 6) == "名前  "


def test_a_path_elsewhere_is_shown_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert shown(tmp_path / "x") == str(tmp_path / "x")
    assert shown(Path("plans/x")) == "plans/x"
