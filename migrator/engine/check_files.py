"""Finds the files that `migrator check` was asked for, by kind; not what is in them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migrator.check.errors import NothingToCheckError, RangeError
from migrator.check.options import Options
from migrator.plan_files import PLAN_SUFFIXES, plan_files
from migrator.settings import Settings

_SKIPPED = frozenset({"__pycache__", "node_modules", ".git", ".venv"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be judged, and how.

    Attributes:
        files: how SQL files are judged. `revisions`: how revisions are.
        between: the range of revisions, ``A:B``. `since`: a git reference; what came after it is judged.
        schemas: dumps that tell what is there before.
    """

    files: Options
    revisions: Options
    paths: tuple[Path, ...] = ()
    plan: Path | None = None
    between: str = ""
    since: str = ""
    schemas: tuple[Path, ...] = ()
    baseline: Path | None = None


@dataclass
class Asked:
    """The files that were asked for, by kind. `revisions` is None for all of the project's, empty for none."""

    sql: list[Path]
    plans: list[Path]
    revisions: list[Path] | None

    @property
    def needs_history(self) -> bool:
        return bool(self.plans) or self.revisions is None or bool(self.revisions)

    @classmethod
    def of(cls, settings: Settings, request: Request) -> Asked:
        if request.plan is not None:
            return cls([], [request.plan], [])
        if request.since:
            return cls._sorted(list(_changed(request.since)))
        if request.between:
            return cls([], [], None)
        if not request.paths:
            return cls([], plan_files(settings.plans) if settings.plans.is_dir() else [], None)
        return cls._sorted([path for one in request.paths for path in _below(one)])

    @classmethod
    def _sorted(cls, paths: list[Path]) -> Asked:
        return cls(
            [path for path in paths if path.suffix == ".sql"],
            [path for path in paths if path.suffix in PLAN_SUFFIXES],
            [path for path in paths if path.suffix == ".py"],
        )


def _below(path: Path) -> Iterator[Path]:
    """Yield the file, or those of a folder that can be checked."""
    wanted = {".sql", ".py", *PLAN_SUFFIXES}
    if path.is_dir():
        found = sorted(
            one
            for one in path.rglob("*")
            if one.suffix in wanted and one.is_file() and not _SKIPPED & set(one.relative_to(path).parts)
        )
        found = [one for one in found if one.suffix == ".sql" or _is_ours(one)]
        if not found:
            raise NothingToCheckError(f"there is nothing to check in {path}")
        yield from found
    elif not path.is_file():
        raise NothingToCheckError(f"there is no file {path}")
    elif path.suffix not in wanted:
        raise NothingToCheckError(f"{path} is neither SQL, nor a revision, nor a plan")
    else:
        yield path


def _is_ours(path: Path) -> bool:
    """Say whether a file of a folder looks like a revision or a plan; others there are no concern of ours."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    lines = text.splitlines()
    if path.suffix == ".py":
        return any(line.startswith(("down_revision =", "down_revision:")) for line in lines)
    return any(line.startswith("plan:") for line in lines)


def _changed(reference: str) -> Iterator[Path]:
    """Yield the files that were added or changed since a git reference, uncommitted ones included."""
    for command in (
        ["git", "diff", "--name-only", "--diff-filter=d", "--relative", "--merge-base", reference],
        ["git", "ls-files", "--others", "--exclude-standard"],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            raise RangeError(f"git does not know {reference}", notes=said[:1]) from error
        for line in done.stdout.splitlines():
            path = Path(line)
            if path.suffix == ".sql" or (path.suffix in (".py", *PLAN_SUFFIXES) and _is_ours(path)):
                yield path
