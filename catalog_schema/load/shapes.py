"""The shapes of the schema that the application has lived with: one before and one after every plan.

Responsible for which column holds what in which shape; the statements built on that are in `statements`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

Form = Literal["old", "new", "mixed"]
"""Which application is running: the one from before the plan, the one from after it, or both at once."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a value of the application is stored, and what it looks like there."""

    name: str
    store: Callable[[Any], Any] = lambda value: value
    fetch: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class Shape:
    """What application code has to know about the schema.

    Attributes:
        tags: a tuple of texts, or None where nobody has tagged the product.
        has_tag: condition on a product to bear one tag.
        description_apart: it has a table of its own.
        author_required: the application always names the author of a review.
        deletes_variants: the application deletes a product's variants with the product.
    """

    title: Column
    tags: Column
    has_tag: str
    price: Column
    description: Column
    description_apart: bool = False
    author_required: bool = False
    deletes_variants: bool = False


def _split(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(text.split(",")) if text else ()


_FIRST = Shape(
    title=Column("name"),
    tags=Column("legacy_tags", store=lambda tags: None if tags is None else ",".join(tags), fetch=_split),
    has_tag="%(tag)s = ANY (string_to_array(legacy_tags, ','))",
    price=Column(
        "price_cents",
        store=lambda price: None if price is None else int(price * 100),
        fetch=lambda cents: None if cents is None else Decimal(cents) / 100,
    ),
    description=Column("description"),
)

_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "baseline": {},
    "product-tags": {
        "tags": Column(
            "tags",
            store=lambda tags: None if tags is None else list(tags),
            fetch=lambda tags: None if tags is None else tuple(tags),
        ),
        "has_tag": "tags @> ARRAY[%(tag)s::text]",
    },
    "rename-column": {"title": Column("title")},
    "price-numeric": {"price": Column("price")},
    "required-author": {"author_required": True, "deletes_variants": True},
    "split-description": {"description": Column("body"), "description_apart": True},
    "list-indexes": {},
}
"""What every plan changes for the application, in the order of the plans."""

PLANS = tuple(_CHANGES)


def shapes(plan: str, form: Form) -> tuple[Shape, ...]:
    """Return the shapes that application code in this form uses while `plan` runs."""
    old = _FIRST
    for earlier in PLANS[: PLANS.index(plan)]:
        old = replace(old, **_CHANGES[earlier])
    new = replace(old, **_CHANGES[plan])
    return {"old": (old,), "new": (new,), "mixed": (old, new)}[form]
