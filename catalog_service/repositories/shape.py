"""Which column holds what: the moves that the plans make, and the reader flag that says which side is read.

Responsible for settling on a shape from the flag and from the columns that are there; statements are built elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

Mode = Literal["old", "both", "new"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Move:
    """A value that goes from one column to another."""

    old: str
    new: str


MOVES: Mapping[str, Move] = {
    "tags": Move("products.legacy_tags", "products.tags"),
    "title": Move("products.name", "products.title"),
    "price": Move("products.price_cents", "products.price"),
    "description": Move("products.description", "product_descriptions.body"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where each value is read from; `both` reads the old column and compares it with the new one.

    Writes go to the new column where it alone is read, otherwise to the old one. Triggers keep the other in step.
    """

    tags: Mode = "new"
    title: Mode = "new"
    price: Mode = "new"
    description: Mode = "new"


def settle(wanted: Mapping[str, str], columns: frozenset[str]) -> Shape:
    """Return the shape to work in, given the flags and the columns there are.

    A flag gives way to the facts: what is not there cannot be read, whatever somebody forgot to switch.
    """

    def one(name: str, move: Move) -> Mode:
        if move.old not in columns:
            return "new"
        if move.new not in columns:
            return "old"
        return cast("Mode", wanted.get(name, "old"))

    return Shape(**{name: one(name, move) for name, move in MOVES.items()})
