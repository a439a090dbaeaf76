"""Gathers what `migrator check` is to judge: files, plans and recorded revisions; not how any of it is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.check.baseline import beyond
from migrator.check.errors import NothingToCheckError, RangeError
from migrator.check.exceptions import exception_from_setting
from migrator.check.gate import Gate
from migrator.check.history import History
from migrator.check.report import CheckReport
from migrator.check.schema.schema import Schema
from migrator.check.script import learn
from migrator.check.sql_files import roots
from migrator.check.sql_text import Unreadable, read_sql
from migrator.engine.check_files import Asked, Request
from migrator.plan_files import plan_files
from migrator.settings import Settings

if TYPE_CHECKING:  # SQLAlchemy, Alembic and pydantic take half a second to import: SQL files need none of them
    from migrator.plan import Plan
    from migrator.revisions.lineage import Loaded
    from migrator.revisions.project import Project


def judge(settings: Settings, request: Request, allow: Sequence[str] = ()) -> CheckReport:
    """Return what the rules say.

    Raises:
        NothingToCheckError, RangeError, BaselineError, ProjectError
    """
    gate = Gate(request.files, request.revisions, _schema(request))
    gate.exemptions += [exception_from_setting(one) for one in allow]
    found = Asked.of(settings, request)
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


def _judge_project(gate: Gate, settings: Settings, request: Request, found: Asked) -> None:
    from migrator.revisions.offline import record_file, record_history  # noqa: PLC0415 - see above
    from migrator.revisions.project import Project  # noqa: PLC0415 - see above

    version = request.revisions.pg_version
    alone = list(found.revisions or [])
    project: Project | None = (
        Project(settings.alembic_ini, settings.alembic_name) if _has_ini(settings, found) else None
    )
    plans: list[Plan] = []
    if found.plans or plan_files(settings.plans):
        from migrator.engine.check_plans import plans_for  # noqa: PLC0415 - see above

        plans += plans_for(gate, found, settings)
    if project is not None:
        history = record_history(
            project,
            version,
            _chooser(request, found, plans),
            one_release=bool(request.between or request.since),
        )
        if plans:
            from migrator.engine.check_plans import judge_plans  # noqa: PLC0415 - see above

            judge_plans(gate, plans, history, {str(path.resolve()) for path in found.plans})
        gate.add_history(history)
        inside = {str(Path(one.path).resolve()) for one in history.revisions}
        alone = [path for path in alone if str(path.resolve()) not in inside]
    for path in alone:
        recorded = record_file(path.resolve(), version, project)
        gate.add_history(History((recorded,), frozenset({recorded.revision})))


def _has_ini(settings: Settings, found: Asked) -> bool:
    """Say whether there is a project; where all of it was asked for there has to be one."""
    return settings.alembic_ini.is_file() or found.revisions is None


def _chooser(request: Request, found: Asked, plans: list[Plan]) -> Callable[[Sequence[Loaded]], frozenset[str]]:
    of_plans: frozenset[str] = frozenset()
    if plans:
        from migrator.engine.check_plans import revisions_of  # noqa: PLC0415 - see above

        of_plans = revisions_of(plans, {path.resolve() for path in found.plans})

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
