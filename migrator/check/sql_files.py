"""SQL files as psql would run them: each with the files that it includes, in place; not what the rules say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrator.check.exceptions import Exemption, exceptions_in
from migrator.check.finding import Place
from migrator.check.source import Piece
from migrator.check.sql_text import Include, Unreadable, includes_in, read_sql


@dataclass
class SqlFiles:
    """What was read so far.

    Attributes:
        seen: the files, as they are shown.
        problems: what could not be read, and why.
        exemptions: the exceptions in their comments.
    """

    seen: set[str] = field(default_factory=set)
    problems: list[tuple[Place, str]] = field(default_factory=list)
    exemptions: list[Exemption] = field(default_factory=list)

    def read(self, path: Path, around: tuple[Path, ...] = ()) -> Iterator[Piece]:
        """Yield the statements of a file and of those that it includes, in the order in which psql sends them."""
        shown, content = str(path), path.read_bytes()
        read = read_sql(content)
        if isinstance(read, Unreadable):
            self.seen.add(shown)
            self.problems.append((Place(shown, read.line, read.column, read.excerpt), read.reason))
            return
        text = content.decode("utf-8-sig")
        lines = text.split("\n")
        if shown not in self.seen:
            self.exemptions += exceptions_in(text, shown)
        self.seen.add(shown)
        includes = list(includes_in(text))
        for one in read:
            while includes and includes[0].line < one.line:
                yield from self._include(includes.pop(0), path, around)
            yield Piece(one, Place(shown, one.line, one.column, lines[one.line - 1].rstrip("\r")))
        for include in includes:
            yield from self._include(include, path, around)

    def _include(self, include: Include, path: Path, around: tuple[Path, ...]) -> Iterator[Piece]:
        target = found_from(include, path)
        reason = "" if target else f"{include.path}, which psql is to read here, is not there"
        if target and target.resolve() in (one.resolve() for one in (*around, path)):
            reason = f"{include.path} includes itself"
        if reason or not target:
            self.problems.append((Place(str(path), include.line, 1, include.excerpt), reason))
        else:
            yield from self.read(target, (*around, path))


def found_from(include: Include, path: Path) -> Path | None:
    r"""Return the file that an include means: for ``\i`` from the current folder, else from that of `path`."""
    beside = path.parent / include.path
    choices = (beside,) if include.relative else (Path(include.path), beside)
    return next((one for one in choices if one.is_file()), None)


def roots(paths: Sequence[Path]) -> list[Path]:
    """Return the files that none of the others includes: those that psql is started with."""
    included: set[Path] = set()
    for path in paths:
        content = path.read_bytes()
        if b"\\i" in content:
            text = content.decode("utf-8", "replace")
            targets = (found_from(one, path) for one in includes_in(text))
            included |= {one.resolve() for one in targets if one is not None and one.resolve() != path.resolve()}
    left = [path for path in paths if path.resolve() not in included]
    return left or list(paths)
