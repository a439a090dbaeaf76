"""Responsible for writing documents as JSON on one line; not for which keys they have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def dumps(document: Mapping[str, Any]) -> str:
    """Return `document` as one line of ASCII JSON: times in ISO 8601, lengths of time in seconds, all else as text."""
    return json.dumps(document, default=_encode)


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
