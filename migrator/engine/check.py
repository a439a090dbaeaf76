"""Gathers what `migrator check` is to judge: files, plans and recorded revisions; not how any of it is judged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.check.baseline import beyond
from migrator.check.errors import NothingToCheckError, RangeError
from migrator.check.exceptions import exception_from_setting
from migrator.check.finding import Place
from migrator.check.gate import Gate
from migrator.check.history import Deletion, History, PlanCase, RecordedRevision, StepOfPlan
from migrator.check.losses import losses_of
from migrator.check.options import Options
from migrator.check.report import CheckReport
from migrator.check.schema.schema import Schema
from migrator.check.script import learn
from migrator.check.sql_files import roots
from migrator.check.sql_text import Unreadable, read_sql
from migrator.errors import MigratorError, UsageError
from migrator.plan import Phase, Plan, Step, load_all, load_plan
from migrator.plan.errors import PlanError
from migrator.plan.source import PLAN_SUFFIXES, plan_files
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.revision import Revision
from migrator.settings import Settings
from migrator.sql.bounded import parse_bounded

if TYPE_CHECKING:  # SQLAlchemy and Alembic take half a second to import, and SQL files need neither
    from migrator.revisions.lineage import Loaded
    from migrator.revisions.project import Project

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


def judge(settings: Settings, request: Request, allow: Sequence[str] = ()) -> CheckReport:
    """Return what the rules say.

    Raises:
        NothingToCheckError, RangeError, BaselineError, ProjectError
    """
    gate = Gate(request.files, request.revisions, _schema(request))
    gate.exemptions += [exception_from_setting(one) for one in allow]
    found = _Found.of(settings, request)
    for path in roots(found.sql):
        gate.add_sql(path)
    if found.needs_history:
        _judge_project(gate, settings, request, found)
    report = gate.report()
    if request.baseline is None:
        return report
    fresh = beyond(request.baseline, report.findings)
    return CheckReport(
        tuple(fresh), report.informed, report.checked, report.files, len(report.findings) - len(fresh), report.rules
    )


def _schema(request: Request) -> Schema:
    schema = Schema(pg_version=request.files.pg_version, complete=bool(request.schemas))
    for path in request.schemas:
        try:
            read = read_sql(path.read_bytes())
        except OSError as error:
            raise NothingToCheckError(f"{path} cannot be read: {error.strerror}") from error
        if isinstance(read, Unreadable):
            raise NothingToCheckError(f"{path}, line {read.line}: {read.reason}", help="write it with pg_dump -s")
        learn(schema, read)
    return schema.settled()


@dataclass
class _Found:
    """The files that were asked for, by kind. `revisions` is None for all of the project's, empty for none."""

    sql: list[Path]
    plans: list[Path]
    revisions: list[Path] | None

    @property
    def needs_history(self) -> bool:
        return bool(self.plans) or self.revisions is None or bool(self.revisions)

    @classmethod
    def of(cls, settings: Settings, request: Request) -> _Found:
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
    def _sorted(cls, paths: list[Path]) -> _Found:
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


def _judge_project(gate: Gate, settings: Settings, request: Request, found: _Found) -> None:
    from migrator.revisions.offline import record_file, record_history  # noqa: PLC0415 - see above
    from migrator.revisions.project import Project  # noqa: PLC0415 - see above

    version = request.revisions.pg_version
    alone = list(found.revisions or [])
    project: Project | None = (
        Project(settings.alembic_ini, settings.alembic_name) if _has_ini(settings, found) else None
    )
    plans = list(_plans(gate, found, settings))
    if project is not None:
        history = record_history(
            project,
            version,
            _chooser(request, found, plans),
            one_release=bool(request.between or request.since),
        )
        _judge_plans(gate, plans, history, {str(path.resolve()) for path in found.plans})
        gate.add_history(history)
        inside = {str(Path(one.path).resolve()) for one in history.revisions}
        alone = [path for path in alone if str(path.resolve()) not in inside]
    for path in alone:
        recorded = record_file(path.resolve(), version, project)
        gate.add_history(History((recorded,), frozenset({recorded.revision})))


def _has_ini(settings: Settings, found: _Found) -> bool:
    """Say whether there is a project; where all of it was asked for there has to be one."""
    return settings.alembic_ini.is_file() or found.revisions is None


def _plans(gate: Gate, found: _Found, settings: Settings) -> Iterator[Plan]:
    """Yield the plans that were asked for, reporting those with errors, and the others, which accept losses."""
    from migrator.engine.shapes import bad_expressions  # noqa: PLC0415 - see above

    asked = {path.resolve() for path in found.plans}
    others = (
        [path for path in plan_files(settings.plans) if path.resolve() not in asked] if settings.plans.is_dir() else []
    )
    for path in [*found.plans, *others]:
        try:
            plan = load_plan(path)
        except PlanError as error:
            for one in (error, *error.others) if path in found.plans else ():
                gate.add_unreadable(_place(one, path), one.message)
            continue
        for problem in bad_expressions(plan) if path in found.plans else ():
            gate.add_unreadable(_place(problem, path), problem.message)
        yield plan
    if found.plans and found.revisions is None:
        try:
            load_all(settings.plans)
        except PlanError as error:
            reported = {finding.message for finding in gate.findings}
            for one in (error, *error.others):
                if one.message not in reported:
                    gate.add_unreadable(_place(one, settings.plans), one.message)


def _place(error: MigratorError, path: Path) -> Place:
    where = error.where
    return Place(_shown(where.path), where.line, where.column, where.excerpt) if where else Place(_shown(path))


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _chooser(request: Request, found: _Found, plans: list[Plan]) -> Callable[[Sequence[Loaded]], frozenset[str]]:
    asked = {path.resolve() for path in found.plans}
    of_plans = {
        step.revision for plan in plans if plan.path.resolve() in asked for _, _, step in plan.steps()
        if isinstance(step, Revision)
    }  # fmt: skip

    def choose(loaded: Sequence[Loaded]) -> frozenset[str]:
        if request.between:
            return _between(request.between, loaded)
        if found.revisions is None:
            return frozenset(one.revision for one in loaded)
        files = {path.resolve() for path in found.revisions}
        return frozenset(
            one.revision
            for one in loaded
            if one.path.resolve() in files or any(one.revision.startswith(name) for name in of_plans)
        )

    return choose


def _between(text: str, loaded: Sequence[Loaded]) -> frozenset[str]:
    """Return the revisions of a range ``A:B``: those that B builds on, without A and those that A builds on."""
    from migrator.revisions.lineage import ancestors  # noqa: PLC0415 - see above

    first, colon, last = text.partition(":")
    if not colon:
        raise RangeError(f"not a range of revisions: {text}", help="write --revisions A:B")
    before = [] if first in ("", "base") else [_resolved(first, loaded)]
    up_to = [one.revision for one in loaded] if last in ("", "head", "heads") else [_resolved(last, loaded)]
    return ancestors(loaded, up_to) - ancestors(loaded, before)


def _resolved(name: str, loaded: Sequence[Loaded]) -> str:
    found = [one.revision for one in loaded if one.revision.startswith(name)]
    exact = [one for one in found if one == name] or found
    if len(exact) != 1:
        raise RangeError(f"{'no' if not exact else 'more than one'} revision is called {name}")
    return exact[0]


def _judge_plans(gate: Gate, plans: list[Plan], history: History, asked: set[str]) -> None:
    by_id = {one.revision: one for one in history.revisions}
    for plan in plans:
        case = _case(plan, by_id, tuple(by_id))
        if str(plan.path.resolve()) in asked:
            gate.add_plan(case)
        else:
            gate.accept_losses(case)


def _case(plan: Plan, by_id: dict[str, RecordedRevision], order: tuple[str, ...]) -> PlanCase:
    steps: list[StepOfPlan] = []
    kinds: dict[str, tuple[str, ...]] = {}
    deletions: list[Deletion] = []
    for phase, _, step in plan.steps():
        kinds[phase] = (*kinds.get(phase, ()), step.kind)
        if isinstance(step, Backfill) and (table := _deleted_from(step)):
            deletions.append(Deletion(table, _location(step), step.irreversible or "", bool(step.archive)))
        if isinstance(step, Revision):
            full = next((one for one in by_id if one.startswith(step.revision)), step.revision)
            losses = losses_of(by_id[full].upgrade.pieces) if full in by_id else ()
            steps.append(
                StepOfPlan(full, str(phase), _location(step), step.irreversible or "", tuple(step.archive), losses)
            )
    before = {phase: found for phase, found in kinds.items() if phase != Phase.CONTRACT}
    if plan.requires:
        before["requires"] = ("gate",)
    where = plan.location
    place = Place(_shown(where.path), where.line, where.column)
    return PlanCase(plan.plan, place, tuple(steps), before, order, tuple(deletions))


def _deleted_from(step: Backfill) -> str:
    """Return the table whose rows a step deletes; empty where it deletes none, or where its SQL cannot be read."""
    if step.delete:
        return step.table
    try:
        bounded = parse_bounded(step.sql) if step.sql else None
    except UsageError:  # it is reported as such
        return ""
    return str(bounded.target) if bounded and bounded.verb == "DELETE" else ""


def _location(step: Step) -> Place:
    where = step.location
    return Place(_shown(where.path), where.line, where.column, where.excerpt)
