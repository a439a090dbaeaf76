"""What is said when the answer is no: a problem document after RFC 9457."""

from __future__ import annotations

from catalog_service.dto.base import Dto

MEDIA_TYPE = "application/problem+json"


class Fault(Dto):
    """One thing that is wrong with a request: where, as a JSON pointer, and what."""

    pointer: str
    detail: str


class Problem(Dto):
    """Why a request was not answered as it was meant to be."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: tuple[Fault, ...] | None = None
