"""Responsible for what every step of a plan has in common; not for any one kind of step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

from migrator.errors import Location
from migrator.plan.fields import FieldError
from migrator.spelling import nearest

IN_CODE = Location(Path())
"""The place of a step that was not read from a file."""


class Phase(StrEnum):
    """The three parts of a plan, in the order in which they run."""

    EXPAND = "expand"
    MIGRATE = "migrate"
    CONTRACT = "contract"


class Part(BaseModel):
    """A mapping of the plan file whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def keys(cls) -> list[str]:
        """Return the keys as they are written in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]


class Step(Part):
    """One entry of a phase.

    A kind of step is a file in `migrator.plan.steps` with one class of this kind. Its fields are the keys of the file:
    where one is named as the kind itself, the others stand beside it, else all of them stand in a mapping below the
    kind. The docstring becomes the description that an editor shows.

    Attributes:
        kind: the key that names the kind.
        misplaced: the phases that cannot have such a step, each with the reason.
        tuning: fields that may change while a run is under way, since the result stays the same.
        names: fields whose values are SQL names, so that only what they name matters and not their spelling.
    """

    kind: ClassVar[str]
    misplaced: ClassVar[Mapping[Phase, str]] = {}
    tuning: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[frozenset[str]] = frozenset()

    _location: Location = PrivateAttr(default=IN_CODE)

    @property
    def location(self) -> Location:
        """Return where the step stands in its plan file, with "expand, step 1: ..." as context."""
        return self._location

    def at(self, location: Location) -> Self:
        """Return the same step, standing at `location`."""
        placed = self.model_copy()
        placed._location = location  # noqa: SLF001 - a copy of ourselves
        return placed

    @classmethod
    def misfits(cls, content: Mapping[str, object]) -> Iterator[FieldError]:
        """Yield which of the keys in `content` do not go together, or are missing; not what their values are."""
        del content
        yield from ()

    @classmethod
    def mistypes(cls, content: Mapping[str, object], wanted: Iterable[str]) -> bool:
        """Tell whether a key that is unknown was probably meant as one of `wanted`: one error is enough then."""
        known, names = cls.keys(), list(wanted)
        return any(nearest(key, names) for key in content if key not in known)

    @abstractmethod
    def title(self) -> str:
        """Return a short text that starts with the kind, such as "backfill products.tags"."""

    def once(self) -> str | None:
        """Return what may stand only once in a plan, or None."""
        return None

    def objections(self, phase: Phase) -> Iterator[FieldError]:
        """Yield what is wrong with the values of this step because of the phase it stands in."""
        del phase
        yield from ()

    @classmethod
    def is_flat(cls) -> bool:
        """Tell whether the keys stand beside the kind instead of below it."""
        return cls.kind in cls.model_fields
