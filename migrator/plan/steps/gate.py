"""Responsible for the form of a `gate` step; not for approvals, nor for looking for evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from migrator.durations import DURATION_PATTERN, parse_duration
from migrator.plan.document import kind_of
from migrator.plan.fields import FieldError
from migrator.plan.names import identifiers
from migrator.plan.step import Part, Step

TITLE_WIDTH = 72
SOMETIMES, ALWAYS = "1h", "0s"
"""How long it must be so where the plan does not say: what is only there at times, what a look always finds."""
_CLIENTS = re.compile(r"\s*(?P<name>[^<=]*[^<=\s])\s*<\s*(?P<version>[0-9]+(\.[0-9]+)*)\s*")


class Evidence(Part):
    """What the server itself can show. `period` is how long it must have been so, as the plan writes it.

    Attributes:
        unused: a column or a table that nothing uses any more.
        no_clients: ``name<version``: no session whose application_name says that name and a lower version.
        parity: a table whose dual writes in this plan hold: old and new values differ in no row.
        replicas: standbys have replayed all that was written before the gate was reached.
    """

    unused: str | None = None
    no_clients: str | None = None
    parity: str | None = None
    replicas: str | None = None
    period: str = SOMETIMES

    @property
    def seconds(self) -> float:
        return parse_duration(self.period).total_seconds()

    @property
    def words(self) -> str:
        said = [
            f"{self.unused} unused" if self.unused else "",
            f"no clients {self.no_clients}" if self.no_clients else "",
            f"parity of {self.parity}" if self.parity else "",
            "replicas caught up" if self.replicas else "",
        ]
        span = f" for {self.period}" if self.seconds else ""
        return f"{', '.join(filter(None, said))}{span}"

    @property
    def clients(self) -> tuple[str, tuple[int, ...]]:
        """The application's name, and the lowest version that may be connected."""
        found = _CLIENTS.fullmatch(self.no_clients or "")
        assert found
        return found["name"], tuple(map(int, found["version"].split(".")))


def _gate(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise FieldError("must not be empty")
        return str(value).strip()
    if not isinstance(value, Mapping):
        raise FieldError(f"must be a text or {{unused: TABLE.COLUMN, for: 24h}}, not {kind_of(value)}")
    for key in value:
        if key not in (*_READERS, "for", "period"):
            advice = f"a gate knows {', '.join(_READERS)} and for"
            raise FieldError("does not know this key", advice=advice, at=(key,), on_key=True)
    asked = {key: read(value[key], key) for key, read in _READERS.items() if value.get(key) is not None}
    if not asked:
        raise FieldError("asks for nothing", advice=f"a gate knows {', '.join(_READERS)}")
    default = SOMETIMES if "unused" in asked or "no_clients" in asked else ALWAYS
    return Evidence(**asked, period=_period(value.get("for", value.get("period", default))))


def _named(most: int, what: str) -> Callable[[object, str], str]:
    def read(value: object, key: str) -> str:
        try:
            parts = identifiers(str(value)) if isinstance(value, str) else ()
        except ValueError:
            parts = ()
        if not 1 <= len(parts) <= most:
            raise FieldError(f"must be {what}, not {kind_of(value)}", at=(key,))
        return str(value)

    return read


def _clients(value: object, key: str) -> str:
    if not isinstance(value, str) or not _CLIENTS.fullmatch(value):
        raise FieldError(f"must be a name and a version such as catalog<2.4, not {kind_of(value)}", at=(key,))
    return str(value).strip()


def _replicas(value: object, key: str) -> str:
    if value != "caught up":
        raise FieldError(f"must be: caught up, not {kind_of(value)}", at=(key,))
    return str(value)


def _period(value: object) -> str:
    try:
        parse_duration(str(value))
    except ValueError as error:
        raise FieldError(str(error), at=("for",)) from error
    return str(value)


_READERS: Mapping[str, Callable[[object, str], str]] = {
    "unused": _named(3, "a column or a table such as products.legacy_tags"),
    "no_clients": _clients,
    "parity": _named(2, "a table such as products"),
    "replicas": _replicas,
}
_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": ["string", "number", "boolean"], "minLength": 1},
            {
                "type": "object",
                "properties": {
                    "unused": {"type": "string"},
                    "no_clients": {"type": "string", "pattern": "<"},
                    "parity": {"type": "string"},
                    "replicas": {"const": "caught up"},
                    "for": {"type": "string", "pattern": DURATION_PATTERN},
                },
                "minProperties": 1,
                "additionalProperties": False,
            },
        ]
    }
)


class Gate(Step):
    """Stop until a person says with `migrator approve` that something is true, or the server shows it."""

    kind: ClassVar[str] = "gate"

    gate: Annotated[Evidence | str, BeforeValidator(_gate), _SCHEMA] = Field(
        description="What must be true before the run goes on, in words, or as what the server shows: "
        "{unused: TABLE.COLUMN, for: 24h}, {unused: TABLE}, {no_clients: NAME<VERSION}, {parity: TABLE}, "
        "{replicas: caught up}, or several of these together."
    )

    @property
    def words(self) -> str:
        """What must be true, in words."""
        return self.gate.words if isinstance(self.gate, Evidence) else self.gate

    def title(self) -> str:
        """Return the kind and the beginning of the condition."""
        return shorten(f"gate {self.words}", TITLE_WIDTH, placeholder=" ...")
