"""A plan is found by whatever people call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.plan import find_plan, load_all
from migrator.plan.errors import (
    AmbiguousPlanError,
    BadValueError,
    PlanConflictError,
    PlanNotFoundError,
    UnknownKeyError,
)


def write(folder: Path, name: str, plan: str, more: str = "") -> Path:
    path = folder / name
    path.write_text(f"plan: {plan}\n{more}expand:\n  - gate: x\n")
    return path


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    folder = tmp_path / "plans"
    folder.mkdir()
    write(folder, "0001_baseline.yaml", "first-steps")
    write(folder, "0002_product_tags.yaml", "product-tags")
    write(folder, "0010_price.yml", "price")
    return folder


@pytest.mark.parametrize("name", ["0002_product_tags.yaml", "0002_product_tags", "0002", "product-tags"])
def test_a_plan_is_found_by_each_of_its_names(plans: Path, name: str) -> None:
    """File name, stem, number and the name in the file."""
    assert find_plan(name, plans) == plans / "0002_product_tags.yaml"


def test_a_plan_is_found_by_its_path(plans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path counts from the current folder."""
    monkeypatch.chdir(tmp_path)
    elsewhere = write(tmp_path, "other.yaml", "other")
    assert find_plan("other.yaml", plans).resolve() == elsewhere
    assert find_plan("plans/0010_price.yml", plans).resolve() == plans / "0010_price.yml"
    assert find_plan(str(elsewhere), plans) == elsewhere


def test_a_plan_with_errors_is_found_all_the_same(plans: Path) -> None:
    """Otherwise nobody would learn of the errors."""
    broken = write(plans, "0003_x.yaml", "broken", more="lock_timeout: 1\n")
    assert find_plan("broken", plans) == broken
    (plans / "0004_y.yaml").write_text("plan: [")
    assert find_plan("0004", plans) == plans / "0004_y.yaml"


def test_a_name_that_several_plans_go_by_is_refused_with_all_of_them(plans: Path) -> None:
    """Running the wrong plan is worse than asking."""
    twin = write(plans, "0002_other.yaml", "other")
    with pytest.raises(AmbiguousPlanError) as raised:
        find_plan("0002", plans)
    assert raised.value.notes == (str(twin), str(plans / "0002_product_tags.yaml"))


@pytest.mark.parametrize(
    ("name", "guess"), [("product_tag", "product-tags"), ("0001_basline.yaml", "0001_baseline.yaml"), ("pric", "price")]
)
def test_an_unknown_name_is_answered_with_the_nearest(plans: Path, name: str, guess: str) -> None:
    """Underscores and hyphens are easily mixed up."""
    with pytest.raises(PlanNotFoundError) as raised:
        find_plan(name, plans)
    assert raised.value.help == f"did you mean {guess}?"


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a\0b", "x" * 5000, "x" * 5000 + ".yaml"])
def test_a_name_that_is_nothing_is_a_plain_error(plans: Path, tmp_path: Path, name: str) -> None:
    """Also where there is no folder of plans."""
    for folder in (plans, tmp_path / "nothing"):
        with pytest.raises(PlanNotFoundError):
            find_plan(name, folder)


def test_all_plans_come_in_the_order_of_their_numbers(plans: Path) -> None:
    """Numbers have leading zeros for that."""
    assert [plan.plan for plan in load_all(plans)] == ["first-steps", "product-tags", "price"]


def test_the_errors_of_all_plans_come_at_once(plans: Path) -> None:
    """One run of a CI job shows them all."""
    write(plans, "0003_x.yaml", "x", more="lock_timeout: 1\nlock_wai: 2s\n")
    write(plans, "0004_y.yaml", "Y")
    with pytest.raises(BadValueError) as raised:
        load_all(plans)
    found = [raised.value, *raised.value.others]
    assert [type(error) for error in found] == [BadValueError, UnknownKeyError, BadValueError]
    assert [error.where.path.name for error in found] == ["0003_x.yaml", "0003_x.yaml", "0004_y.yaml"]


def test_plans_that_contradict_each_other_are_refused(plans: Path) -> None:
    """Names are taken once, and what is required exists and ends somewhere."""
    write(plans, "0011_a.yaml", "price")
    write(plans, "0012_b.yaml", "b", more="requires: [prices]\n")
    write(plans, "0013_c.yaml", "c", more="requires: [d]\n")
    write(plans, "0014_d.yaml", "d", more="requires: [c]\n")
    with pytest.raises(PlanConflictError) as raised:
        load_all(plans)
    taken, unknown, circle = raised.value, *raised.value.others
    assert "0010_price.yml" in taken.message
    assert (taken.where.path.name, taken.where.line) == ("0011_a.yaml", 1)
    assert unknown.help == "did you mean price?"
    assert (unknown.where.path.name, unknown.where.line) == ("0012_b.yaml", 1)
    assert circle.message in {
        "c requires d requires c: none can be first",
        "d requires c requires d: none can be first",
    }


def test_a_missing_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    """A mistyped setting would otherwise pass every check."""
    with pytest.raises(PlanNotFoundError):
        load_all(tmp_path / "plan")
