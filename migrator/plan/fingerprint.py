"""Responsible for telling whether two versions of a plan mean the same; not for what follows when they do not.

The meaning of a plan is what it does to a database: not its summary, its comments, the order of its keys, the spelling
of its names or the fields that only tune how fast it goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any

from migrator.plan.model import Plan
from migrator.plan.names import canonical
from migrator.plan.step import Phase, Step
from migrator.plan.steps import kinds

Document = Mapping[str, Any]

VERSION = 1


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return what a plan means as data that JSON can hold; plans that mean the same give equal documents."""
    return {
        "version": VERSION,
        "plan": plan.plan,
        "requires": sorted(set(plan.requires)),
        **{str(phase): [_step_document(step) for step in plan.phase(phase)] for phase in Phase},
    }


def fingerprint(document: Document) -> str:
    """Return 64 hexadecimal digits that differ for documents that differ."""
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def differences(old: Document, new: Document) -> list[str]:
    """Return one line for each thing that `new` means and `old` did not, or the other way round.

    Both are documents of `plan_document`, of which the old one may come from the ledger.
    """
    if old["version"] != new["version"]:
        return [f"the plan was recorded in form {old['version']}, and this migrator knows form {new['version']}"]
    lines = [
        f"{key} was {_show(old[key])}, is {_show(new[key])}" for key in ("plan", "requires") if old[key] != new[key]
    ]
    for phase in Phase:
        lines.extend(_phase_differences(phase, old[phase], new[phase]))
    return lines


def _step_document(step: Step) -> dict[str, Any]:
    content = step.model_dump(mode="json", exclude=set(step.tuning), exclude_none=True, by_alias=True)
    meaning = {key: _meaning(value, is_name=key in step.names) for key, value in content.items()}
    return {"kind": step.kind} | {key: value for key, value in meaning.items() if value not in ([], {})}


def _meaning(value: Any, *, is_name: bool) -> Any:
    if isinstance(value, dict):
        return {canonical(column): _meaning(inner, is_name=is_name) for column, inner in value.items()}
    if isinstance(value, list):
        return sorted(_meaning(inner, is_name=is_name) for inner in value)
    return canonical(value) if is_name else value


def _phase_differences(phase: Phase, old: Sequence[Document], new: Sequence[Document]) -> Iterator[str]:
    """Yield the lines of one phase, pairing steps by what they are about, so that one more does not move the rest."""
    titles = [_title(step) for step in old], [_title(step) for step in new]
    for what, i, i_end, j, j_end in SequenceMatcher(None, *titles, autojunk=False).get_opcodes():
        paired = min(i_end - i, j_end - j) if _same_kinds(old[i:i_end], new[j:j_end]) or what == "equal" else 0
        for offset in range(paired):
            place = f"{phase}, step {j + offset + 1}: {titles[1][j + offset]}"
            yield from (f"{place}: {line}" for line in _changes(old[i + offset], new[j + offset]))
        yield from (f"{phase}, step {n + 1}: {titles[0][n]} is no longer there" for n in range(i + paired, i_end))
        yield from (f"{phase}, step {n + 1}: {titles[1][n]} is new" for n in range(j + paired, j_end))


def _same_kinds(old: Sequence[Document], new: Sequence[Document]) -> bool:
    return all(one["kind"] == other["kind"] for one, other in zip(old, new, strict=False))


def _title(step: Document) -> str:
    # Sorted, since neither a person nor jsonb keeps the order of columns.
    content = {
        key: dict(sorted(value.items())) if isinstance(value, Mapping) else value
        for key, value in step.items()
        if key != "kind"
    }
    return kinds()[step["kind"]].model_validate(content).title()


def _changes(old: Document, new: Document, prefix: str = "") -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key} was {_show(before)}, is {_show(after)}"


def _show(value: Any) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
