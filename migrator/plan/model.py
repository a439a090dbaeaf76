"""Responsible for what a plan is once it is read; not for reading it, and not for carrying it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr

from migrator.errors import Location
from migrator.plan.fields import Duration, Listing, LockTimeout, PlanName, Text
from migrator.plan.step import IN_CODE, Part, Phase, Step


class Plan(Part):
    """A change of the database in three phases."""

    plan: PlanName = Field(description="The name of the plan; runs are recorded under it, so it must not change.")
    summary: Text | None = Field(default=None, description="What the plan is for, in one line.")
    requires: Listing[PlanName] = Field(default=(), description="Plans that must be complete before this one starts.")
    lock_timeout: LockTimeout | None = Field(
        default=None, description="How long one attempt waits for a lock; overrides the setting."
    )
    lock_wait: Duration | None = Field(
        default=None, description="How long to keep trying for a lock before giving up; overrides the setting."
    )
    expand: Listing[Step] = Field(default=(), description="Add the new shape beside the old one.")
    migrate: Listing[Step] = Field(default=(), description="Fill the new shape, check it, switch readers.")
    contract: Listing[Step] = Field(default=(), description="Remove the old shape.")

    _location: Location = PrivateAttr(default=IN_CODE)

    @property
    def path(self) -> Path:
        """Return the file that the plan was read from."""
        return self._location.path

    @property
    def location(self) -> Location:
        """Return where the file names the plan."""
        return self._location

    def at(self, location: Location) -> Self:
        """Return the same plan, standing at `location`."""
        placed = self.model_copy()
        placed._location = location  # noqa: SLF001 - a copy of ourselves
        return placed

    def phase(self, phase: Phase) -> tuple[Step, ...]:
        """Return the steps of one phase."""
        steps: tuple[Step, ...] = getattr(self, phase)
        return steps

    def steps(self) -> Iterator[tuple[Phase, int, Step]]:
        """Yield every step in the order of execution, with its phase and its number in it from 1."""
        for phase in Phase:
            for index, step in enumerate(self.phase(phase), start=1):
                yield phase, index, step

    @property
    def step_count(self) -> int:
        """Return the number of steps of all phases."""
        return sum(1 for _ in self.steps())
