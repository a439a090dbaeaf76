"""The order of revision files by what each builds on, however broken the history is; not what any of them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Loaded:
    """A revision file that could be imported."""

    revision: str
    path: Path
    module: ModuleType
    down: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lineage:
    """How revisions hang together.

    Attributes:
        ordered: all of them, each after those that it builds on, as far as there is such an order.
        missing: revisions with a parent that does not exist, and its name.
        circle: revisions that build on each other.
        heads: revisions that nothing builds on, without those of branches that were labelled to stay apart.
    """

    ordered: tuple[Loaded, ...]
    missing: tuple[tuple[str, str], ...]
    circle: tuple[str, ...]
    heads: tuple[str, ...]


def lineage(loaded: Sequence[Loaded]) -> Lineage:
    """Return how the revisions hang together."""
    known = {one.revision for one in loaded}
    missing = tuple((one.revision, parent) for one in loaded for parent in one.down if parent not in known)
    ordered: list[Loaded] = []
    placed: set[str] = set()
    waiting = list(loaded)
    while waiting:
        ready = [one for one in waiting if all(p in placed or p not in known for p in (*one.down, *one.depends_on))]
        if not ready:
            break
        ordered += ready
        placed |= {one.revision for one in ready}
        waiting = [one for one in waiting if one.revision not in placed]
    followed = {parent for one in loaded for parent in one.down}
    heads = tuple(one.revision for one in ordered if one.revision not in followed)
    labelled = {head for head in heads if _labels(loaded, head)}
    unlabelled = tuple(head for head in heads if head not in labelled)
    return Lineage((*ordered, *waiting), missing, tuple(one.revision for one in waiting), unlabelled or heads[:1])


def _labels(loaded: Sequence[Loaded], head: str) -> bool:
    """Say whether the head ends a branch that bears a label."""
    line = ancestors(loaded, [head])
    return any(one.labels for one in loaded if one.revision in line)


def ancestors(loaded: Sequence[Loaded], revisions: Sequence[str]) -> frozenset[str]:
    """Return the revisions and all that they build on."""
    by_id = {one.revision: one for one in loaded}
    seen: set[str] = set()
    pending = [one for one in revisions if one in by_id]
    while pending:
        one = by_id[pending.pop()]
        if one.revision not in seen:
            seen.add(one.revision)
            pending += [parent for parent in (*one.down, *one.depends_on) if parent in by_id]
    return frozenset(seen)
