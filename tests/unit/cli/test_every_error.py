from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from migrator.cli.catalogue import every_error
from migrator.errors import MigratorError
from migrator.view.explanation import explain


def classes(root: type[MigratorError] = MigratorError) -> Iterator[type[MigratorError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from classes(kind)


@pytest.fixture(autouse=True)
def _all_loaded() -> None:
    every_error()


def test_every_error_has_a_code_of_its_own() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for kind in classes():
        owners[kind.code].add(f"{kind.__module__}.{kind.__qualname__}")

    assert {code: sorted(names) for code, names in owners.items() if len(names) > 1} == {}


def test_every_explanation_says_what_it_means_and_what_to_do() -> None:
    silent = [
        f"{kind.code} {kind.__qualname__}"
        for kind in classes()
        if kind.__base__ is not MigratorError and len(re.findall(r"[.!?](?:\s|$)", explain(kind))) < 2
    ]

    assert silent == []


def test_the_list_has_the_errors_of_every_part() -> None:
    parts = {kind.__module__.split(".")[1] for kind in every_error().values()}

    assert {"errors", "cli", "plan", "settings", "postgres", "ledger", "engine"} <= parts
