"""Which rows a partition takes, as far as its bounds are written out, and whether those of two can be the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrator.sql.parser import Tree, constant_text

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values of a list partition, or from where to where a range partition goes, its end left out."""

    values: frozenset[str] = frozenset()
    begin: str = ""
    end: str = ""

    def meets(self, other: Bounds) -> bool:
        """Say whether a row certainly belongs to both."""
        if self.values or other.values:
            return bool(self.values & other.values)
        ends = (self.begin, self.end, other.begin, other.end)
        if all(map(_DAY.fullmatch, ends)):
            return self.begin < other.end and other.begin < self.end
        if all(one.lstrip("-").isdigit() for one in ends):
            begin, end, its_begin, its_end = map(int, ends)
            return begin < its_end and its_begin < end
        return False


def bounds_of(spec: Tree) -> Bounds | None:
    """Return the bounds in FOR VALUES; None for DEFAULT, several columns, and what is no constant."""
    if spec.listdatums:
        return Bounds(values=frozenset(filter(None, map(constant_text, spec.listdatums))))
    if len(spec.lowerdatums) != 1 or len(spec.upperdatums) != 1:
        return None
    return Bounds(begin=constant_text(spec.lowerdatums[0]), end=constant_text(spec.upperdatums[0]))
