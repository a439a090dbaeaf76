"""Responsible for collecting what is wrong with one plan file, each with its place; not for finding it."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from migrator.plan.document import Document, Loc, kind_of
from migrator.plan.errors import BadValueError, MissingKeyError, PlanError, PlanSyntaxError, UnknownKeyError
from migrator.plan.fields import FieldError
from migrator.plan.step import Part
from migrator.spelling import nearest, suggestion


class Problems:
    """The errors of one plan file, in the order of the file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[PlanError] = list(document.problems)
        self._opaque = {_place(error) for error in self._found if isinstance(error, PlanSyntaxError)}

    def add(
        self,
        kind: type[PlanError],
        message: str,
        loc: Loc,
        *,
        key: bool = False,
        context: str = "",
        notes: tuple[str, ...] = (),
        advice: str = "",
    ) -> None:
        """Record an error at the value at `loc`, or at its key.

        What stands in the place of an alias or a tag is not judged: its error is the alias or the tag.
        """
        where = self._document.where(loc, key=key, context=context)
        if (where.line, where.column) not in self._opaque:
            self._found.append(kind(message, where=where, notes=notes, help=advice))

    def add_unknown_key(self, loc: Loc, valid: list[str], *, context: str, advice: str = "") -> None:
        """Record a key that means nothing where it stands."""
        read_as = self._document.odd_keys.get(loc)
        notes = (f"YAML 1.1 reads the key {loc[-1]} as {read_as}",) if read_as else ()
        self.add(
            UnknownKeyError,
            f"unknown key {loc[-1]}",
            loc,
            key=True,
            context=context,
            notes=notes,
            advice=advice or suggestion(str(loc[-1]), valid, "keys"),
        )

    def add_field_error(self, error: FieldError, loc: Loc, *, context: str, kind: type[PlanError]) -> None:
        """Record a value that its key cannot have; `loc` leads to what was validated."""
        whole = (*loc, *error.at)
        name = _name_of(whole[:-1] if error.on_key else whole)
        self.add(kind, f"{name} {error.message}", whole, key=error.on_key, context=context, advice=error.advice)

    def add_invalid(self, invalid: ValidationError, model: type[Part], loc: Loc, *, context: str) -> None:
        """Record everything that pydantic holds against the mapping at `loc`."""
        found = invalid.errors(include_url=False)
        unknown = [details["loc"] for details in found if details["type"] == "extra_forbidden"]
        # A mistyped key is one error and not also a missing one.
        meant = {(*at[:-1], nearest(str(at[-1]), _part_at(model, at[:-1]).keys())) for at in unknown}
        for details in found:
            if details["type"] == "missing" and details["loc"] in meant:
                continue
            self._add_details(details, model, loc, context)

    def _add_details(self, details: ErrorDetails, model: type[Part], base: Loc, context: str) -> None:
        inner: Loc = details["loc"]
        loc = (*base, *inner)
        error = details.get("ctx", {}).get("error")
        if isinstance(error, FieldError):
            self.add_field_error(error, loc, context=context, kind=BadValueError)
        elif details["type"] == "extra_forbidden":
            self.add_unknown_key(loc, _part_at(model, inner[:-1]).keys(), context=context)
        elif details["type"] == "missing":
            description = _part_at(model, inner[:-1]).model_fields[str(inner[-1])].description
            message = f"{_name_of(loc[:-1])} needs the key {inner[-1]}"
            self.add(MissingKeyError, message, loc[:-1], context=context, advice=f"add {inner[-1]}: {description}")
        else:
            message = f"{_name_of(loc)} must be a mapping, not {kind_of(details['input'])}"
            self.add(BadValueError, message, loc, context=context)

    def raise_if_any(self) -> None:
        """Raise the first error of the file with all others, where there is any."""
        judged = {_place(error) for error in self._found}
        for loc, read_as in self._document.odd_keys.items():
            where = self._document.where(loc, key=True)
            if (where.line, where.column) not in judged:
                message = f"YAML 1.1 reads the key {loc[-1]} as {read_as}"
                self.add(PlanSyntaxError, message, loc, key=True, advice=f'quote it: "{loc[-1]}"')
        if self._found:
            first, *rest = sorted(self._found, key=_place)
            first.others = tuple(rest)
            raise first


def _place(error: PlanError) -> tuple[int, int]:
    return (error.where.line, error.where.column) if error.where else (0, 0)


def _name_of(loc: Loc) -> str:
    """Return the last key of a way into the document, with the entry of its list: ``requires[2]``, ``set.tags``."""
    if not loc:
        return "the plan"
    if isinstance(loc[-1], int):
        return f"entry {loc[-1] + 1} of {_name_of(loc[:-1])}"
    in_columns = len(loc) > 1 and loc[-2] in {"set", "forward", "backward"}
    return f"{loc[-2]}.{loc[-1]}" if in_columns else str(loc[-1])


def _part_at(model: type[Part], loc: Loc) -> type[Part]:
    for key in loc:
        annotation: Any = model.model_fields[str(key)].annotation
        choices = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
        model = next(choice for choice in choices if isinstance(choice, type) and issubclass(choice, Part))
    return model
