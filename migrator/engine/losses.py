"""What a revision takes away that nothing brings back, and what an archive would make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrator.check.losses import ALL_ROWS
from migrator.errors import RefusedError
from migrator.plan import identifiers
from migrator.plan.steps.revision import Revision
from migrator.sql.effects import Effect
from migrator.sql.names import Name, quote

_LOSES = {"table": "table", "column": "column", "schema": "schema", "type": "type", "materialized view": "view"}
_RULES = {"table": "drop-table", "column": "drop-column"} | dict.fromkeys(
    ("schema", "type", "materialized view"), "drop-object"
)
"""The rules of `check` about the same."""
KEPT = frozenset({"table", "column", "type"})
"""What an archive can keep."""


class DataLossError(RefusedError):
    """A step loses data, and the plan neither keeps it nor says that this is meant.

    Dropped columns and tables are gone, and overwritten values too. Keep them with `archive:` beside the step, or say
    why the loss is acceptable: `irreversible: the reason`.
    """

    code = "MG331"


@dataclass(frozen=True, slots=True)
class Loss:
    """A thing that is lost: its `kind` in words, its name and, of a table, the member that goes."""

    kind: str
    name: Name
    member: str | None = None

    @property
    def entry(self) -> str:
        """The thing as `archive` names it."""
        return f"{self.name.quoted()}.{quote(self.member)}" if self.member else self.name.quoted()

    def __str__(self) -> str:
        return f"{self.kind} {self.entry}"

    def kept_by(self, step: Revision) -> bool:
        """Tell whether the step archives it."""
        parts = identifiers(self.entry)
        for entry in map(identifiers, step.archive):
            if entry == parts or (
                self.kind in KEPT and parts[-len(entry) :] == entry and len(entry) > bool(self.member)
            ):
                return self.kind in KEPT
            if self.kind == "column" and entry[-len(parts) :] == parts:
                return True
        return False


class LossWatch:
    """Sees the statements of one revision go by and says what they take away that nothing brings back."""

    def __init__(self) -> None:
        self._made: set[Name] = set()

    def see(self, effect: Effect, accepted: frozenset[str] = frozenset()) -> list[Loss]:
        """Return what a statement loses: not what the revision has made itself.

        Args:
            accepted: rules of `check` that the statement may break, as somebody has written beside it.
        """
        lost = [
            Loss(_LOSES[one.kind], one.name, one.member)
            for one in effect.drops
            if one.kind in _LOSES and _RULES[one.kind] not in accepted and not self._is_own(one.name)
        ]
        lost += [
            Loss(ALL_ROWS, change.table)
            for change in effect.data_changes
            if change.verb == "TRUNCATE" and "truncate" not in accepted and not self._is_own(change.table)
        ]
        self._made |= {made.name for made in effect.creates if made.member is None}
        return lost

    def _is_own(self, name: Name) -> bool:
        return any(made.same(name) for made in self._made)


def unkept(step: Revision, sent: Iterable[tuple[Effect, frozenset[str]]]) -> list[Loss]:
    """Return what a revision that sends these statements, with what each may break, loses and does not archive."""
    watch = LossWatch()
    return [loss for effect, accepted in sent for loss in watch.see(effect, accepted) if not loss.kept_by(step)]


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
