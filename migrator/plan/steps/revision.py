"""Responsible for the form of a `revision` step; not for running Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from migrator.plan.fields import ArchiveName, FieldError, Listing, RevisionId, Text
from migrator.plan.step import Phase, Step


class Revision(Step):
    """Run one Alembic revision, with its indexes and constraints built online."""

    kind: ClassVar[str] = "revision"
    tuning: ClassVar[frozenset[str]] = frozenset({"irreversible", "plain"})  # may be given when asked for
    names: ClassVar[frozenset[str]] = frozenset({"archive"})

    revision: RevisionId = Field(description="The id of the Alembic revision.")
    irreversible: Text | None = Field(
        default=None, description="Why it may run although what it loses cannot be brought back by a downgrade."
    )
    archive: Listing[ArchiveName] = Field(
        default=(), description="Tables and columns to keep until `migrator purge`, such as products.legacy_tags."
    )

    plain: Text | None = Field(
        default=None, description="Why its statements run as they are written instead of in their online form."
    )

    def title(self) -> str:
        """Return the kind and the revision."""
        return f"revision {self.revision}"

    def once(self) -> str:
        """Return the revision: it is either applied or not."""
        return self.title()

    def objections(self, phase: Phase) -> Iterator[FieldError]:
        """Yield an objection to an archive where nothing is removed."""
        if self.archive and phase is not Phase.CONTRACT:
            yield FieldError(
                "keeps what contract removes, so it belongs to a revision in contract",
                advice="remove it, or move the step to contract",
                at=("archive",),
            )
