"""Responsible for reading plan files into plans; not for finding them, and not for what the server says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import ValidationError

from migrator.plan.document import Document, Loc, kind_of, plain_null, read_document
from migrator.plan.errors import BadValueError, MisplacedStepError, MissingKeyError, StepKindError
from migrator.plan.model import Plan
from migrator.plan.problems import Problems
from migrator.plan.source import Source, read_source
from migrator.plan.step import Phase, Step
from migrator.plan.steps import kinds
from migrator.spelling import nearest


def load_plan(path: Path) -> Plan:
    """Read the plan in a file.

    Raises:
        PlanError: the first thing that is wrong with the file; `others` holds all further ones.
    """
    return _read(read_source(path))


def parse_plan(text: str, path: Path) -> Plan:
    """Read a plan from its text; `path` is what errors name. Raises as `load_plan` does."""
    return _read(Source(path, text))


def _read(source: Source) -> Plan:
    document = read_document(source)
    problems = Problems(document)
    if not isinstance(document.root, dict):
        message = f"a plan is a mapping, not {kind_of(document.root)}"
        problems.add(BadValueError, message, (), advice='start with "plan: NAME", without a dash')
        problems.raise_if_any()
    content = dict(document.root)
    steps = _Steps(document, problems)
    _check_requires(content, problems)
    steps.check_order(content)
    for phase in Phase:
        if isinstance(content.get(phase), list):
            content[phase] = tuple(steps.read(phase, content[phase]))
    try:
        plan = Plan.model_validate(content)
    except ValidationError as invalid:
        problems.add_invalid(invalid, Plan, (), context="")
        problems.raise_if_any()
        raise
    problems.raise_if_any()
    return plan.at(document.where(("plan",), key=True))


def _check_requires(content: dict[str, Any], problems: Problems) -> None:
    required = content.get("requires")
    if isinstance(required, list) and content.get("plan") in required:
        place = ("requires", required.index(content["plan"]))
        problems.add(MisplacedStepError, "the plan requires itself", place, advice="name the plans that come before it")


class _Steps:
    """Reads the steps of one file and sees to it that they fit together."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems
        self._once: dict[str, Loc] = {}

    def read(self, phase: Phase, entries: list[Any]) -> Iterator[Step]:
        """Yield the steps of a phase that have no errors, and record the errors of the others."""
        for index, entry in enumerate(entries):
            place = f"{phase}, step {index + 1}"
            if kind := self._kind(entry, (phase, index), place):
                context = f"{place}: {_label(kind, entry[kind.kind])}"
                step = self._step(kind, entry, (phase, index), context)
                self._check_place(kind, step, phase, (phase, index), context)
                if step is not None:
                    where = self._document.where((phase, index), context=f"{place}: {step.title()}")
                    yield step.at(where)

    def check_order(self, content: dict[str, Any]) -> None:
        """Record a plan that has no steps, or none that its contract phase could follow."""
        used = [phase for phase in Phase if content.get(phase) and not plain_null(content[phase])]
        if not used:
            advice = "add at least one step under expand, migrate or contract"
            self._problems.add(MissingKeyError, "the plan has no steps", (), advice=advice)
        if used == [Phase.CONTRACT] and not content.get("requires"):
            self._problems.add(
                MisplacedStepError,
                "contract removes an old shape, but nothing comes before it",
                (Phase.CONTRACT,),
                key=True,
                advice="add the steps that replace it, or name the plan that did so under requires",
            )

    def _kind(self, entry: Any, loc: Loc, place: str) -> type[Step] | None:
        advice = f"begin it with one of: {', '.join(kinds())}"
        if not isinstance(entry, dict):
            message = f"a step is a mapping, not {kind_of(entry)}"
            self._problems.add(BadValueError, message, loc, context=place, advice=advice)
            return None
        found = [key for key in entry if key in kinds()]
        if len(found) == 1:
            return kinds()[found[0]]
        if found:
            message = f"one step cannot be several things: {', '.join(found)}"
            self._problems.add(
                StepKindError,
                message,
                (*loc, found[1]),
                key=True,
                context=place,
                advice="put a dash before each of them",
            )
            return None
        guess = next((guess for key in entry if (guess := nearest(key, kinds()))), None)
        message = f"the step does not say what it is: it has {', '.join(entry) or 'no keys'}"
        advice = f"did you mean {guess}?" if guess else advice
        self._problems.add(StepKindError, message, loc, context=place, advice=advice)
        return None

    def _step(self, kind: type[Step], entry: dict[str, Any], loc: Loc, context: str) -> Step | None:
        content: Any = entry
        if not kind.is_flat():
            content = entry[kind.kind]
            for key in entry:
                if key != kind.kind:
                    inside = f"indent it, so that it stands below {kind.kind}" if key in kind.model_fields else ""
                    self._problems.add_unknown_key((*loc, key), [kind.kind], context=context, advice=inside)
            loc = (*loc, kind.kind)
        misfits = list(kind.misfits(content)) if isinstance(content, dict) else []
        for misfit in misfits:
            self._problems.add_field_error(
                misfit, loc, context=context, kind=MissingKeyError if misfit.missing else BadValueError
            )
        try:
            step = kind.model_validate(content)
        except ValidationError as invalid:
            self._problems.add_invalid(invalid, kind, loc, context=context)
            return None
        return None if misfits else step

    def _check_place(self, kind: type[Step], step: Step | None, phase: Phase, loc: Loc, context: str) -> None:
        if reason := kind.misplaced.get(phase):
            message = f"{kind.kind} cannot be a step of {phase}: {reason}"
            allowed = " or ".join(other for other in Phase if other not in kind.misplaced)
            self._problems.add(MisplacedStepError, message, loc, context=context, advice=f"move it to {allowed}")
        if step is None:
            return
        inner = loc if kind.is_flat() else (*loc, kind.kind)
        for objection in step.objections(phase):
            self._problems.add_field_error(objection, inner, context=context, kind=MisplacedStepError)
        if once := step.once():
            first = self._once.setdefault(once, loc)
            if first != loc:
                message = f"{once} is in the plan twice"
                advice = f"it is also on line {self._document.where(first).line}"
                self._problems.add(MisplacedStepError, message, loc, context=context, advice=advice)


def _label(kind: type[Step], value: Any) -> str:
    main = value.get("table", "") if isinstance(value, dict) else value
    return shorten(f"{kind.kind} {main}", 72, placeholder=" ...") if isinstance(main, str) else kind.kind
