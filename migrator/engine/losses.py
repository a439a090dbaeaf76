"""Refuses a revision that takes away what neither its downgrade nor an archive brings back."""

from __future__ import annotations

from collections.abc import Iterable

from migrator.check.losses import KEPT, Loss, LossWatch
from migrator.errors import RefusedError
from migrator.plan.steps.revision import Revision
from migrator.sql.effects import Effect


class DataLossError(RefusedError):
    """A step loses data, and the plan neither keeps it nor says that this is meant.

    Dropped columns and tables are gone, and overwritten values too. Keep them with `archive:` beside the step, or say
    why the loss is acceptable: `irreversible: the reason`.
    """

    code = "MG331"


def unkept(step: Revision, sent: Iterable[tuple[Effect, frozenset[str]]]) -> list[Loss]:
    """Return what a revision that sends these statements, with what each may break, loses and does not archive."""
    watch = LossWatch()
    return [loss for effect, accepted in sent for loss in watch.see(effect, accepted) if not loss.kept_by(step.archive)]


def data_loss(step: Revision, lost: list[Loss]) -> DataLossError:
    """Return the refusal of a revision that takes away what is `lost`."""
    entries = [loss.entry for loss in lost if loss.kind in KEPT]
    archive = f"keep it until migrator purge with archive: [{', '.join(entries)}], or say " if entries else "say "
    return DataLossError(
        f"revision {step.revision} loses data: {', '.join(map(str, lost))}",
        where=step.location,
        notes=["nothing of that was changed"],
        help=f"{archive}why that is acceptable with irreversible: the reason",
    )
