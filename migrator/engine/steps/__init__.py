"""How each kind of step is done and undone: one module per kind, named as the kind, found by its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Protocol

from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow


class Executor(Protocol):
    """What a module of this package offers."""

    def run(self, session: Session, step: Any, row: StepRow) -> str:
        """Do the step, or what is left of it; return what was done in one short clause."""

    def undo(self, session: Session, step: Any, row: StepRow) -> str:
        """Undo the step, however far it has come; return what was undone in one short clause."""


@cache
def executor(kind: str) -> Executor:
    """Return how steps of this kind are carried out."""
    module: Any = import_module(f"{__name__}.{kind}")
    return module  # type: ignore[no-any-return]  # a module that has the functions of the protocol
