"""Responsible for guessing which valid name a person meant; not for deciding what is valid."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name most like `name`, or None where nothing is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed only once something is wrong

    by_folded = {candidate.casefold().replace("-", "_"): candidate for candidate in valid}
    found = get_close_matches(name.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def suggestion(name: str, valid: Iterable[str], noun: str) -> str:
    """Return a help line: the nearest valid name, or else all of them, called `noun` in the plural."""
    names = sorted(valid)
    guess = nearest(name, names)
    if guess:
        return f"did you mean {guess}?"
    return f"valid {noun}: {', '.join(names)}" if names else f"there are no {noun} here"
