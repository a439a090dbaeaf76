"""Responsible for the settings of one command and where each came from; not for using them.

Flags win over ``MIGRATOR_*`` in the environment, which win over ``migrator.toml`` or ``[tool.migrator]`` in
``pyproject.toml``, which win over the defaults. Only the standard library is imported, since every command
waits for it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from migrator.durations import MAX_LOCK_TIMEOUT, parse_duration
from migrator.errors import Location, UsageError
from migrator.spelling import suggestion

ENV_PREFIX = "MIGRATOR_"
IGNORED_ENV_PREFIX = "MIGRATOR_TEST_"
"""What the tests of migrator read; a developer's shell may hold it while the command runs."""
EMBEDDED = "embedded:"
DEFAULT_ORIGIN = "default"
ADDRESS = re.compile(r"(?P<host>[^/:]*|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
"""HOST:PORT, the host left out for this machine alone."""


class SettingsError(UsageError):
    """A setting cannot be used. Nothing was sent to the server.

    All errors are reported together. Settings come from flags, ``MIGRATOR_*`` in the environment, ``migrator.toml`` or
    ``[tool.migrator]`` in ``pyproject.toml``; the message names which.
    """

    code = "MG130"


class UnknownSettingError(SettingsError):
    """A setting of that name does not exist.

    It is refused rather than ignored, since a mistyped timeout would otherwise not be there when it is needed. Names
    that start with ``MIGRATOR_TEST_`` belong to the tests and are left alone.
    """

    code = "MG131"


class BadSettingError(SettingsError):
    """A setting has a value that it cannot have.

    Durations are a text of a whole number and a unit: ``500ms``, ``2s``, ``10m``, ``1h``, ``30d``.
    """

    code = "MG132"


class SettingsFileError(SettingsError):
    """``migrator.toml`` or ``pyproject.toml`` is not TOML, or may not be read.

    Correct the line shown, or make the file readable. No other source of settings is used in its place.
    """

    code = "MG133"


class MissingSettingError(SettingsError):
    """The command needs a database and none is named: no flag, no environment variable and no settings file does.

    Set ``DATABASE_URL``, give ``--database-url``, or try it on a private server: ``--database-url embedded:DIR``.
    """

    code = "MG134"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a command goes by.

    Attributes:
        database_url: the database to change, or None; not part of the repr, since it may hold a password.
        alembic_ini: the Alembic configuration of the project.
        alembic_name: the section of it that holds the settings of Alembic.
        plans: the folder of the plans.
        lock_timeout: how long one attempt waits for a lock.
        lock_wait: how long to keep trying for a lock before giving up.
        build_wait: how long a concurrent index build may take.
        pg_version: the version of the server that `check` judges for, or None for the oldest supported one.
        plain: revisions to run as they are written, each ``REVISION because REASON``.
        throttle: what every backfill waits for, as `throttle:` of a plan says it; a plan goes before it, key by key.
        broker: the queue through which Celery workers are called, or None; not part of the repr, as above.
        metrics: a file, or the ``HOST:PORT`` of an endpoint, for the numbers of a run as OpenMetrics, or None.
        allow: exceptions from the rules of `check`, each ``RULE in PATH because REASON``.
    """

    database_url: str | None = field(default=None, repr=False)
    alembic_ini: Path = Path("alembic.ini")
    alembic_name: str = "alembic"
    plans: Path = Path("plans")
    lock_timeout: timedelta = timedelta(seconds=2)
    lock_wait: timedelta = timedelta(minutes=5)
    build_wait: timedelta = timedelta(hours=6)
    pg_version: str | None = None
    plain: tuple[str, ...] = ()
    throttle: Mapping[str, object] = field(default_factory=dict)
    broker: str | None = field(default=None, repr=False)
    metrics: str | None = None
    allow: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    places: Mapping[str, Callable[..., Location]] = field(default_factory=dict, repr=False)

    def origin(self, name: str) -> str:
        """Return where a setting came from, such as "pyproject.toml [tool.migrator]"."""
        return self.origins.get(name, DEFAULT_ORIGIN)

    def place(self, *path: str) -> Location | None:
        """Return the line of the settings file that sets a key of a setting, where it comes from a file."""
        locate = self.places.get(path[0])
        return locate(*path) if locate else None

    def require_database_url(self) -> str:
        """Return the database.

        Raises:
            MissingSettingError: none is named.
        """
        if self.database_url is None:
            raise MissingSettingError(
                "no database is named",
                help="set DATABASE_URL, use --database-url, or try a private one: --database-url embedded:.migrator/pg",
            )
        return self.database_url


@dataclass(frozen=True)
class _Given:
    """A value somebody gave, with the folder that paths in it start from."""

    value: object
    origin: str
    folder: Path
    file: _File | None = None


def load_settings(flags: Mapping[str, object], *, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings for a command that is started in `cwd`.

    Flags go by the names that settings have here; None stands for a flag that was not used.

    Raises:
        SettingsError: the first thing that is wrong; `others` holds all further ones.
    """
    errors: list[SettingsError] = []
    file = _find_file(cwd)
    given = {"alembic_ini": _default("alembic_ini", file, cwd), "plans": _default("plans", file, cwd)}
    given |= file.settings(errors) if file else {}
    given |= _from_environment(environ, cwd, errors)
    given |= {
        name: _Given(value, f"--{name.replace('_', '-')}", cwd) for name, value in flags.items() if value is not None
    }
    values: dict[str, Any] = {}
    for name, one in given.items():
        try:
            values[name] = _READERS[name](one.value, one.folder)
        except ValueError as error:
            where = one.file.locate(name) if one.file else None
            errors.append(BadSettingError(f"{name} {error}", where=where, notes=[f"it comes from {one.origin}"]))
    if errors:
        first, *rest = errors
        first.others = tuple(rest)
        raise first
    return Settings(
        **values,
        origins=MappingProxyType({name: one.origin for name, one in given.items()}),
        places=MappingProxyType({name: one.file.locate for name, one in given.items() if one.file}),
    )


def _default(name: str, file: _File | None, cwd: Path) -> _Given:
    """Return a default path: it starts from the project where a settings file says which folder that is."""
    value = next(one.default for one in fields(Settings) if one.name == name)
    return _Given(str(value), DEFAULT_ORIGIN, file.path.parent if file else cwd)


def _text(value: object, folder: Path) -> str:
    del folder
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {value!r}")  # noqa: TRY004 - one class for all bad values
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _path(value: object, folder: Path) -> Path:
    text = str(value) if isinstance(value, Path) else _text(value, folder)
    try:
        return folder / Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"names the home of a user who is not there: {text}") from error


def _database_url(value: object, folder: Path) -> str:
    # The value stays out of the message: it may hold a password.
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text such as postgresql://user@host/database or embedded:.migrator/pg")
    url = value.strip()
    if not url.startswith(EMBEDDED):
        return url
    return f"{EMBEDDED}{_path(url.removeprefix(EMBEDDED), folder)}"


def _duration(least: timedelta, most: timedelta | None = None) -> Callable[[object, Path], timedelta]:
    def read(value: object, folder: Path) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, int):
            raise ValueError(f'must be a text with a unit, such as "{value}s", not {value}')  # noqa: TRY004 - as above
        text = _text(value, folder)
        return parse_duration(text, least=least) if most is None else parse_duration(text, least=least, most=most)

    return read


def _version(value: object, folder: Path) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return _text(value, folder)


def _file_or_address(value: object, folder: Path) -> str:
    text = _text(value, folder)
    return text if ADDRESS.fullmatch(text) else str(_path(text, folder))


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    if not isinstance(value, list):
        raise ValueError(f"must be a list of texts, not {value!r}")  # noqa: TRY004 - as above
    return tuple(_text(one, folder) for one in value)


def _table(value: object, folder: Path) -> Mapping[str, object]:
    del folder
    if isinstance(value, str):
        pairs = [one.partition("=") for one in value.split(",") if one.strip()]
        if not all(equals for _, equals, _ in pairs):
            raise ValueError(f"must be such as replica_lag=5s,wal_rate=20MB/s, not {value!r}")
        return {key.strip(): text.strip() for key, _, text in pairs}
    if not isinstance(value, Mapping):
        raise ValueError(f'must be a table such as {{replica_lag = "5s"}}, not {value!r}')  # noqa: TRY004 - as above
    return dict(value)


_READERS: dict[str, Callable[[object, Path], object]] = {
    "database_url": _database_url,
    "alembic_ini": _path,
    "alembic_name": _text,
    "plans": _path,
    "lock_timeout": _duration(timedelta(milliseconds=1), MAX_LOCK_TIMEOUT),
    "lock_wait": _duration(timedelta(0)),
    "build_wait": _duration(timedelta(milliseconds=1)),
    "pg_version": _version,
    "plain": _texts,
    "throttle": _table,
    "broker": _text,
    "metrics": _file_or_address,
    "allow": _texts,
}


def _from_environment(environ: Mapping[str, str], cwd: Path, errors: list[SettingsError]) -> dict[str, _Given]:
    found: dict[str, _Given] = {}
    variables = {"DATABASE_URL": "database_url"} | {f"{ENV_PREFIX}{name.upper()}": name for name in _READERS}
    for variable, name in variables.items():
        # CI systems set variables to nothing where a secret is missing.
        if value := environ.get(variable):
            found[name] = _Given(value, f"environment {variable}", cwd)
    for variable in sorted(environ):
        known = variable in variables or variable.startswith(IGNORED_ENV_PREFIX)
        if variable.startswith(ENV_PREFIX) and not known:
            advice = suggestion(variable, [one for one in variables if one.startswith(ENV_PREFIX)], "names")
            errors.append(UnknownSettingError(f"{variable} in the environment is no setting", help=advice))
    return found


@dataclass(frozen=True)
class _File:
    """A settings file with the table that is ours."""

    path: Path
    origin: str
    text: str
    own: Callable[[Mapping[str, Any]], Mapping[str, object]]
    """Returns the settings in the content of such a file."""
    content: Mapping[str, object]

    def settings(self, errors: list[SettingsError]) -> dict[str, _Given]:
        """Return what the file sets, and record the keys that are no settings."""
        found: dict[str, _Given] = {}
        for key, value in self.content.items():
            if key in _READERS:
                found[key] = _Given(value, self.origin, self.path.parent, self)
            else:
                advice = suggestion(key, _READERS, "settings")
                errors.append(UnknownSettingError(f"unknown setting {key}", where=self.locate(key), help=advice))
        return found

    def locate(self, *path: str) -> Location:
        """Return the line that sets a key, or a key of a table.

        A TOML parser keeps no places, so it is asked about the text before them.
        """
        found = Location(self.path)
        lines = self.text.split("\n")
        for number, line in enumerate(lines):
            if path[-1] in line:
                try:
                    before = tomllib.loads("\n".join(lines[:number]))
                except tomllib.TOMLDecodeError:
                    continue
                if not _has(self.own(before), path):
                    found = Location(self.path, number + 1, len(line) - len(line.lstrip()) + 1, line.rstrip("\r"))
        return found


def _has(content: Mapping[str, object], path: tuple[str, ...]) -> bool:
    found: object = content
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True


def _find_file(cwd: Path) -> _File | None:
    for folder in (cwd, *cwd.parents):
        own, project = folder / "migrator.toml", folder / "pyproject.toml"
        if own.is_file():
            text, content = _read_toml(own)
            return _File(own, os.path.relpath(own, cwd), text, dict, content)
        if project.is_file():
            text, content = _read_toml(project)
            if table := _tool_table(content):
                return _File(project, f"{os.path.relpath(project, cwd)} [tool.migrator]", text, _tool_table, table)
    return None


def _tool_table(content: Mapping[str, Any]) -> Mapping[str, object]:
    """Return our settings in a pyproject.toml, none where its tables are something else."""
    tool = content.get("tool")
    table = tool.get("migrator") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def _read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsFileError(f"{path.name} cannot be read: {reason}", where=Location(path)) from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (len(text.splitlines()), 1)
        lines = text.splitlines()
        excerpt = lines[line - 1] if 0 < line <= len(lines) else ""
        message = str(error)[: place.start()] if place else str(error).removesuffix(" (at end of document)")
        where = Location(path, line, column, excerpt)
        raise SettingsFileError(f"{path.name} is not TOML: {message}", where=where) from error
