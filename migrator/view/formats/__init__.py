"""Responsible for finding output formats: each module of this package is one, named as ``--format`` names it."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from migrator.errors import MigratorError
from migrator.view.ink import Ink
from migrator.view.streams import Streams

if TYPE_CHECKING:  # the events import the database driver, which `--help` has no use for
    from migrator.engine.events import Emit

R_contra = TypeVar("R_contra", contravariant=True)


class View(Protocol[R_contra]):
    """How one kind of answer looks, whatever the format. The modules `plan`, `status` and so on are views."""

    def text(self, report: R_contra, ink: Ink, /) -> str:
        """Return the answer for a person, without a line end."""

    def document(self, report: R_contra, /) -> dict[str, Any]:
        """Return the answer for a program, with its ``version``."""


class Format(Protocol):
    """What a module of this package offers."""

    def progress(self, streams: Streams, /) -> AbstractContextManager[Emit]:
        """Show events for as long as the context is open."""

    def answer(self, view: View[R_contra], report: R_contra, streams: Streams, /) -> None:
        """Write an answer to standard output."""

    def error(self, error: MigratorError, streams: Streams, /) -> None:
        """Write an error for whoever asked."""


def names() -> list[str]:
    """Return the names of all formats, without importing any."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Format:
    """Return the format called `name`, which must be one of `names`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))


def of_view(name: str) -> Format:
    """Return the format that only some views have: their function `name` returns the whole text."""
    return cast("Format", _OfView(name))


class _OfView:
    """Writes an answer as the view itself does; errors go to standard error as text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = load("text")

    def progress(self, streams: Streams) -> AbstractContextManager[Emit]:
        return self._text.progress(streams)

    def answer(self, view: Any, report: Any, streams: Streams) -> None:
        streams.out.write(view.OTHERS[self._name](report))
        streams.out.flush()

    def error(self, error: MigratorError, streams: Streams) -> None:
        self._text.error(error, streams)
