"""The types that recur in requests and answers, each with the JSON Schema that says all that is checked."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

MAX_LIMIT = 100
BIGGEST_ID = 2**63 - 1

_AMOUNT = r"^[0-9]{1,10}\.[0-9]{2}$"
_PAYABLE = r"^(0|[1-9][0-9]{0,6}|1[0-9]{7}|20[0-9]{6})\.[0-9]{2}$"
"""Below what an integer of cents holds, so that no shape of the column refuses what another takes."""


class Dto(BaseModel):
    """Frozen; a field that is not known is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _amount(pattern: str) -> BeforeValidator:
    def read(value: Any) -> Decimal:
        if isinstance(value, Decimal):
            return value.quantize(Decimal("0.01"))
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return Decimal(value)
        raise ValueError("an amount is a text such as '12.50', below 21000000")

    return BeforeValidator(read)


def _whole(value: Any) -> Any:
    # To JSON Schema 5.0 is an integer; true and "5" are none.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_AS_TEXT = PlainSerializer(str, return_type=str, when_used="json")

Amount = Annotated[Decimal, _amount(_AMOUNT), _AS_TEXT, WithJsonSchema({"type": "string", "pattern": _AMOUNT})]
"""An amount that is shown."""
Price = Annotated[Decimal, _amount(_PAYABLE), _AS_TEXT, WithJsonSchema({"type": "string", "pattern": _PAYABLE})]
"""An amount that a client asks for or sets."""
Moment = Annotated[datetime, PlainSerializer(_moment, return_type=str, when_used="json")]
WHOLE = BeforeValidator(_whole)
Id = Annotated[int, Field(ge=1, le=BIGGEST_ID), WHOLE]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_.-]+$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Prose = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
TagName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f,]+$")]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Currency = Literal["CHF", "EUR", "GBP", "PLN", "SEK", "USD"]
Status = Literal["draft", "active", "retired"]


class Listing(Dto):
    """What every list can be asked for: how many, and where to go on."""

    limit: Limit = 20
    cursor: Cursor | None = None
