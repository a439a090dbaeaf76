"""The values that move, as expressions in one shape: how they are read, compared, filtered by and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, any_, column, func, literal, literal_column, table
from sqlalchemy.sql.selectable import TableClause

from catalog_schema.models import Product, ProductDescription
from catalog_service.repositories.shape import Shape

PRODUCTS: TableClause = table(
    "products",
    *(column(str(one.name), one.type) for one in Product.__table__.columns),
    column("legacy_tags", Text()),
    column("name", Text()),
    column("price_cents", Integer()),
    column("description", Text()),
)
"""The table with the columns of every shape, for writing to the ones there are."""


def _split(stored: str | None) -> tuple[str, ...] | None:
    if stored is None:
        return None
    return tuple(stored.split(",")) if stored else ()


@dataclass(frozen=True, slots=True)
class Side:
    """One place of a value: how it is selected, taken from there and put there."""

    column: str
    select: ColumnElement[Any]
    fetch: Callable[[Any], Any] = lambda stored: stored
    store: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class Sides:
    """The two places of a value."""

    old: Side
    new: Side


SIDES: Mapping[str, Sides] = {
    "tags": Sides(
        old=Side(
            "legacy_tags",
            literal_column("products.legacy_tags", Text()),
            fetch=_split,
            store=lambda tags: None if tags is None else ",".join(tags),
        ),
        new=Side(
            "tags",
            Product.__table__.c.tags,
            fetch=lambda tags: None if tags is None else tuple(tags),
            store=lambda tags: None if tags is None else list(tags),
        ),
    ),
    "title": Sides(
        old=Side("name", literal_column("products.name", Text())), new=Side("title", Product.__table__.c.title)
    ),
    "price": Sides(
        old=Side(
            "price_cents",
            literal_column("products.price_cents", Integer()),
            fetch=lambda cents: None if cents is None else Decimal(cents).scaleb(-2),
            store=lambda amount: int(amount * 100),
        ),
        new=Side("price", Product.__table__.c.price),
    ),
    "description": Sides(
        old=Side("description", literal_column("products.description", Text())),
        new=Side("body", ProductDescription.__table__.c.body),
    ),
}


def reads(shape: Shape, moves: Sequence[str]) -> list[ColumnElement[Any]]:
    """Return the columns to select for these moves, named after move and side."""
    found: list[ColumnElement[Any]] = []
    for move in moves:
        mode, sides = getattr(shape, move), SIDES[move]
        if mode != "new":
            found.append(sides.old.select.label(f"{move}_old"))
        if mode != "old":
            found.append(sides.new.select.label(f"{move}_new"))
    return found


def reads_descriptions(shape: Shape, moves: Sequence[str]) -> bool:
    """Tell whether the table of descriptions has to be joined."""
    return "description" in moves and shape.description != "old"


Differs = Callable[[str, bool], None]
"""Is told of every comparison: the move, and whether the two columns differ."""


def values(row: Any, shape: Shape, moves: Sequence[str], compared: Differs) -> dict[str, Any]:
    """Return the values of a row that was selected with `reads`."""
    found: dict[str, Any] = {}
    for move in moves:
        mode, sides = getattr(shape, move), SIDES[move]
        if mode == "new":
            found[move] = sides.new.fetch(getattr(row, f"{move}_new"))
            continue
        found[move] = sides.old.fetch(getattr(row, f"{move}_old"))
        if mode == "both":
            compared(move, found[move] != sides.new.fetch(getattr(row, f"{move}_new")))
    return found


def writes(shape: Shape, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to store in the table of products; a description that is apart is not among it."""
    stored: dict[str, Any] = {}
    for move, value in given.items():
        side = SIDES[move].new if getattr(shape, move) == "new" else SIDES[move].old
        if side.column != "body":
            stored[side.column] = side.store(value)
    return stored


def has_tag(shape: Shape, tag: str) -> ColumnElement[bool]:
    """Return the condition to bear a tag."""
    if shape.tags == "new":
        return Product.tags.contains([tag])
    return literal(tag) == any_(func.string_to_array(SIDES["tags"].old.select, ","))


def price(shape: Shape) -> ColumnElement[Any]:
    """Return the column to filter and sort by."""
    return SIDES["price"].new.select if shape.price == "new" else SIDES["price"].old.select


def stored_price(shape: Shape, amount: Decimal) -> Any:
    """Return an amount as the column of `price` has it."""
    return amount if shape.price == "new" else SIDES["price"].old.store(amount)
