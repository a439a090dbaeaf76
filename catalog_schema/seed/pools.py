"""Pools of 65,536 values: how often a value occurs in its pool is how likely it is, so drawing is one look-up.

Responsible for the shape of pools; what the values are is said in `values`.
"""

from collections.abc import Sequence
from typing import TypeVar

from catalog_schema.seed.copytext import field

SIZE = 1 << 16
"""Every pool is indexed by 16 random bits."""

T = TypeVar("T")


def even(values: Sequence[T]) -> list[T]:
    """Return a pool in which all values are equally frequent, up to one entry."""
    repeats, rest = divmod(SIZE, len(values))
    return [*values] * repeats + [*values[:rest]]


def zipf(values: Sequence[T]) -> list[T]:
    """Return a pool in which the k-th value is about k times rarer than the first.

    Integers only: floating point functions differ in the last digit between machines.
    """
    scale = 1 << 32
    weights = [scale // rank for rank in range(1, len(values) + 1)]
    total = sum(weights)
    pool: list[T] = []
    for value, weight in zip(values, weights, strict=True):
        pool += [value] * max(1, weight * SIZE // total)
    return (pool + [values[0]] * (SIZE - len(pool)))[:SIZE]


def mixed(*parts: tuple[int, Sequence[T]]) -> list[T]:
    """Return a pool made of parts of other pools, each with its share in per mille; the first fills what is left."""
    pool: list[T] = []
    for share, part in parts:
        count = SIZE * share // 1000
        pool += [part[position * len(part) // count] for position in range(count)]
    filler = parts[0][1]
    return pool + [filler[position % len(filler)] for position in range(SIZE - len(pool))]


def fields(pool: Sequence[str | None]) -> list[str]:
    """Return `pool` as fields of a COPY text line, each distinct value escaped once."""
    escaped = {value: field(value) for value in pool}
    return [escaped[value] for value in pool]
