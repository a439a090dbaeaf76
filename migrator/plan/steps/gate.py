"""Responsible for the form of a `gate` step; not for approvals."""

from __future__ import annotations

from textwrap import shorten
from typing import ClassVar

from pydantic import Field

from migrator.plan.fields import Text
from migrator.plan.step import Step

TITLE_WIDTH = 72


class Gate(Step):
    """Stop until a person says with `migrator approve` that something is true."""

    kind: ClassVar[str] = "gate"

    gate: Text = Field(description="What must be true before the run goes on.")

    def title(self) -> str:
        """Return the kind and the beginning of the condition."""
        return shorten(f"gate {self.gate}", TITLE_WIDTH, placeholder=" ...")
