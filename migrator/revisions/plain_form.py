"""Where a person has chosen, with a reason, that statements run as they are written instead of in their online form.

A comment ``# migrator: plain because REASON`` beside or above a statement is about that statement; at the top level of
the revision, unindented, it is about all of them. The settings and a plan can say the same of a revision from outside.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from migrator.errors import Location
from migrator.revisions.errors import NoReasonError

_COMMENT = re.compile(r"#\s*migrator:\s*plain\b(?:\s+because\s+(?P<reason>\S.*))?")
_SPACE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True, slots=True)
class PlainForm:
    """What was chosen for the revision in the file at `path`: for all of it, or for the statements at some lines."""

    path: str = ""
    whole: str = ""
    lines: tuple[tuple[int, str], ...] = ()

    def reason(self) -> str:
        """Return why the statement that is being sent right now runs as it is written; nothing where it does not."""
        if self.whole or not self.lines:
            return self.whole
        calls = list(calls_under_way(self.path))
        return next((reason for line, reason in self.lines if any(line in call for call in calls)), "")


def plain_form(path: str, chosen: str) -> PlainForm:
    """Return what the comments of a revision file choose, or, for the whole of it, what was `chosen` outside.

    Raises:
        NoReasonError
    """
    text = Path(path).read_text("utf-8", "replace")
    if chosen or "migrator:" not in text:
        return PlainForm(path, chosen)
    whole, lines = "", []
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for number, token in enumerate(tokens):
        found = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if found is None:
            continue
        reason = _reason(found, Path(path), token)
        if token.start[1] == 0:
            whole = whole or reason
        else:
            lines.append((_meant(tokens, number), reason))
    return PlainForm(path, whole, tuple(lines))


def chosen_in(texts: tuple[str, ...]) -> Mapping[str, str]:
    """Return what the setting `plain` chooses: revisions, each with its reason, written ``REVISION because REASON``.

    Raises:
        NoReasonError
    """
    chosen = {}
    for text in texts:
        revision, _, reason = (part.strip() for part in text.partition(" because "))
        if not reason:
            raise NoReasonError(f"the setting plain says no reason: {text}", help="write: REVISION because REASON")
        chosen[revision] = reason
    return chosen


def _reason(found: re.Match[str], path: Path, token: tokenize.TokenInfo) -> str:
    if found["reason"]:
        return found["reason"].strip()
    raise NoReasonError(
        "the online form is switched off without a reason",
        where=Location(path, token.start[0], token.start[1] + 1, token.line.rstrip()),
        notes=["nothing was changed"],
        help="write: # migrator: plain because REASON",
    )


def _meant(tokens: list[tokenize.TokenInfo], number: int) -> int:
    """Return the line of the code that a comment stands beside, or else above."""
    line = tokens[number].start[0]
    if number and tokens[number - 1].end[0] == line and tokens[number - 1].type not in _SPACE:
        return line
    return next((token.start[0] for token in tokens[number:] if token.type not in _SPACE), line)


def calls_under_way(path: str) -> Iterator[range]:
    """Yield the lines of each call in the file that is under way, innermost first."""
    frame = sys._getframe(1)  # noqa: SLF001 - the way to the call in the revision
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_filename == path:
            first, last, *_ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
            yield range(first or frame.f_lineno, (last or frame.f_lineno) + 1)
