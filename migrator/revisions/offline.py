"""Finds out what revisions send without any server: they run on a connection that notes all and has no rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from traceback import walk_tb
from types import FunctionType, ModuleType
from typing import Any

from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.util.pyfiles import load_python_file
from sqlalchemy import Enum, create_engine
from sqlalchemy.exc import CompileError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import to_instance

from migrator.check.finding import Place
from migrator.check.history import Direction, History, RecordedRevision
from migrator.revisions.downgrade import reason_without_effect
from migrator.revisions.known_schema import KnownSchema
from migrator.revisions.lineage import Loaded, lineage
from migrator.revisions.mapped import mapped_by
from migrator.revisions.project import Project
from migrator.revisions.recording_dialect import Noted, RecordingConnection, register
from migrator.revisions.recording_place import Source, shown
from migrator.sql.names import Name


def record_history(
    project: Project,
    pg_version: int,
    wanted: Callable[[Sequence[Loaded]], frozenset[str]],
    *,
    one_release: bool = False,
) -> History:
    """Return every revision of the project with what its `upgrade` and `downgrade` send.

    Args:
        wanted: chooses the revisions that are asked for among all, in order.
        one_release: those that were chosen are deployed together.
    """
    with redirect_stdout(sys.stderr):
        loaded, failed = _load_all(project)
        line = lineage(loaded)
        recorded = [*failed, *_record(project, line.ordered, pg_version)]
    by_id = {one.revision: one for one in recorded}
    return History(
        revisions=tuple(recorded),
        selected=wanted(line.ordered) | {one.revision for one in failed},
        missing=tuple((by_id[revision], parent) for revision, parent in line.missing if revision in by_id),
        circle=line.circle,
        one_release=one_release,
        heads=line.heads,
        mapped=lambda: mapped_by(project),
    )


def record_file(path: Path, pg_version: int, project: Project | None) -> RecordedRevision:
    """Return one revision file, in a project or alone, with what it sends."""
    with redirect_stdout(sys.stderr):
        one = _load(path)
        if isinstance(one, RecordedRevision):
            return one
        return _record(project, [one], pg_version)[0]


def _load_all(project: Project) -> tuple[list[Loaded], list[RecordedRevision]]:
    loaded: list[Loaded] = []
    failed: list[RecordedRevision] = []
    for path in revision_files(project):
        one = _load(path)
        if isinstance(one, RecordedRevision):
            failed.append(one)
        else:
            loaded.append(one)
    return loaded, failed


def revision_files(project: Project) -> list[Path]:
    """Return the revision files of a project, by name."""
    folders = [Path(one) for one in project.scripts._version_locations]  # noqa: SLF001 - loads nothing
    return sorted(
        path
        for folder in folders
        for path in (folder.rglob("*.py") if project.scripts.recursive_version_locations else folder.glob("*.py"))
        if path.name != "__init__.py" and "__pycache__" not in path.parts
    )


def _load(path: Path) -> Loaded | RecordedRevision:
    place = Place(shown(path))
    try:
        module: ModuleType = load_python_file(str(path.parent), path.name)
        revision, down = module.revision, module.down_revision
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a team's code raises
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        nothing = Direction(place)
        return RecordedRevision(path.stem, shown(path), (), nothing, nothing, failure=reason)
    return Loaded(
        str(revision),
        path,
        module,
        _names(down),
        _names(getattr(module, "depends_on", None)),
        _names(getattr(module, "branch_labels", None)),
    )


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _record(project: Project | None, loaded: Sequence[Loaded], pg_version: int) -> list[RecordedRevision]:
    register()
    engine = create_engine(
        "postgresql+recording://", creator=RecordingConnection, poolclass=NullPool, _recorded_version=pg_version
    )
    with engine.connect() as connection, _environment(project, connection) as context:
        return [
            RecordedRevision(
                one.revision,
                shown(one.path),
                one.down,
                _direction(one, "upgrade", context, connection),
                _direction(one, "downgrade", context, connection),
            )
            for one in loaded
        ]


@contextmanager
def _environment(project: Project | None, connection: Any) -> Iterator[Any]:
    """Give revisions the `op` and `context` that they import, without the project's env.py, which wants a server."""
    if project is None:
        from alembic.config import Config  # noqa: PLC0415 - a revision without a project has no configuration
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

        config, scripts = Config(), ScriptDirectory(".")
    else:
        config, scripts = project.config(), project.scripts
    with EnvironmentContext(config, scripts) as environment:
        # The statements of a revision run in a transaction of its own, as autocommit_block() wants one to leave.
        environment.configure(connection=connection, target_metadata=None, transaction_per_migration=True)
        found = environment.get_context()
        _listen(found.impl, connection)
        yield found


class UndefinedObject(Exception):  # noqa: N818 - what PostgreSQL calls it
    """A type that no revision has created."""


def _listen(impl: Any, connection: Any) -> None:
    """Let the recording connection hear what `alter_column` says of the column as it is: SQL does not carry that.

    Nor does it carry that a type is an enum, which `create_table` would create and `add_column` does not.
    """
    add, alter = impl.add_column, impl.alter_column

    def added(table_name: str, column: Any, **options: Any) -> None:
        learnt = connection.dialect.known.now()
        type_ = column.type
        named = isinstance(type_, Enum) and type_.native_enum and type_.name
        made = learnt.table(Name(table_name, options.get("schema"))) is not None and learnt.from_the_start
        if named and made and not learnt.has_type(Name(named, "*")):
            raise UndefinedObject(f'type "{named}" does not exist, and add_column does not create it')
        add(table_name, column, **options)

    def heard(table_name: str, column_name: str, *, existing_type: Any = None, **options: Any) -> None:
        recording = connection.connection.dbapi_connection
        if existing_type is not None:
            prepare = impl.dialect.identifier_preparer
            schema = options.get("schema")
            names = [prepare.quote(name) for name in (schema, table_name) if name]
            with suppress(CompileError):
                type_sql = to_instance(existing_type).compile(dialect=impl.dialect)
                recording.told = (".".join(names), column_name, type_sql)
        try:
            alter(table_name, column_name, existing_type=existing_type, **options)
        finally:
            recording.told = None

    impl.add_column, impl.alter_column = added, heard


def _direction(one: Loaded, name: str, context: Any, connection: Any) -> Direction:
    function = getattr(one.module, name, None)
    source = Source(one.path, one.revision, name)
    place = source.at(function.__code__.co_firstlineno if isinstance(function, FunctionType) else 0)
    problem = reason_without_effect(one.module, name)
    if function is None:
        return Direction(place, problem=problem)
    noted: list[Noted] = []
    connection.connection.dbapi_connection.begin_notes(noted, str(one.path))
    known: KnownSchema = connection.dialect.known
    known.begin(source, noted)
    unseen, certain = "", False
    try:
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            function()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a team's code raises
        unseen = "" if problem else f"{type(error).__name__}: {error}".splitlines()[0]
        asked = known.left_open or any(note.fetched for note in noted)
        certain = not problem and (_fails_anywhere(error) or (not asked and _is_own_fault(error, one.path)))
    connection.rollback()
    pieces, unreadable = source.pieces(noted)
    reads = any(note.reads_rows for note in noted) or known.left_open
    if name == "upgrade":
        known.keep(pieces)
    return Direction(place, pieces, problem, unseen, reads, unreadable, certain)


def _fails_anywhere(error: BaseException) -> bool:
    """Say whether no answer of a database brings the error about."""
    missing = error.obj if isinstance(error, AttributeError) else None
    of_library = isinstance(missing, ModuleType) and missing.__name__.partition(".")[0] in ("alembic", "sqlalchemy")
    return of_library or isinstance(error, NameError | CompileError | UndefinedObject)


def _is_own_fault(error: BaseException, path: Path) -> bool:
    """Say whether a revision, that has asked for nothing, did it itself: a value or argument that is none."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    wrong = isinstance(error, ValueError | TypeError | IndexError | ZeroDivisionError)
    return wrong and frames[-1].f_code.co_filename == str(path)
