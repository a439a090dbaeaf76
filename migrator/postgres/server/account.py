"""Chooses the account under which a private server runs, since PostgreSQL refuses root; it creates no account."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from migrator.postgres.server.binaries import Binaries
from migrator.postgres.server.errors import NoAccountError

_UNSHARE = ("unshare", "--user", "--map-user=65534")
"""Runs a program as itself outside, but as `nobody` in its own eyes, which satisfies PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Account:
    """How to run a program so that PostgreSQL accepts it."""

    owner: int
    """The user id to whom the data directory must belong."""
    switch: int | None = None
    """The user id to switch to; None to stay."""
    prefix: tuple[str, ...] = ()
    """A command that runs the program in its place."""

    def popen(
        self,
        binaries: Binaries,
        arguments: list[str],
        *,
        output: IO[bytes] | int,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `arguments` detached from our terminal, open files and environment; `env` comes on top."""
        return subprocess.Popen(
            [*self.prefix, *arguments],
            env={**binaries.environment(), **(env or {})},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._switch(),
        )

    def run(self, binaries: Binaries, arguments: list[str], env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run `arguments` to the end; return its exit code and what it printed."""
        process = self.popen(binaries, arguments, output=subprocess.PIPE, env=env)
        with process:
            try:
                printed, _ = process.communicate()
            except BaseException:
                process.kill()
                raise
        return process.returncode, printed.decode(errors="replace")

    def _switch(self) -> dict[str, Any]:
        if self.switch is None:
            return {}
        try:
            group = pwd.getpwuid(self.switch).pw_gid
        except KeyError:
            group = self.switch
        return {"user": self.switch, "group": group, "extra_groups": []}

    def can_run(self, binaries: Binaries, home: Path) -> bool:
        """Tell whether a process of this account can reach `home` and run `binaries`."""
        return self.can_reach(binaries, home) and self._succeeds(binaries, [binaries.program("postgres"), "--version"])

    def can_reach(self, binaries: Binaries, home: Path) -> bool:
        """Tell whether a process of this account can reach `home`."""
        return self._succeeds(binaries, ["/bin/sh", "-c", 'cd -- "$0"', str(home)])

    def _succeeds(self, binaries: Binaries, arguments: list[str]) -> bool:
        try:
            code, _ = self.run(binaries, arguments)
        except OSError:
            return False
        return code == 0

    def own(self, directory: Path) -> None:
        """Give `directory` and all in it to this account, if it belongs to another."""
        if directory.stat().st_uid == self.owner:
            return
        for folder, _, files in os.walk(directory):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                os.chown(path, self.owner, -1, follow_symlinks=False)


def choose_account(binaries: Binaries, home: Path, data: Path) -> tuple[Account, Binaries]:
    """Return an account that can run the server of `data`, and the programs for it to run.

    Data that belong to an ordinary user stay theirs, also when root runs migrator. The programs differ from `binaries`
    only where they had to be copied into `home`.

    Raises:
        NoAccountError: as root, when nobody can run the programs or reach `home`.
    """
    if os.geteuid() != 0:
        return Account(owner=os.geteuid()), binaries
    user = _owner(data) or _nobody()
    other = Account(owner=user, switch=user)
    if other.can_run(binaries, home):
        return other, binaries
    within = Account(owner=0, prefix=_UNSHARE)
    if user == _nobody() and within.can_run(binaries, home):
        return within, binaries
    if binaries.lib_dir is not None and other.can_reach(binaries, home):
        return other, _copy(binaries, home / "software")
    raise NoAccountError(
        f"PostgreSQL refuses to run as root, and no other account can use {home}",
        notes=[
            f"user id {user} cannot reach it, or cannot run {binaries.bin_dir}",
            "no user namespace can be made here",
        ],
        help="migrator --database-url embedded:/var/tmp/migrator ...",
    )


def _owner(data: Path) -> int | None:
    return data.stat().st_uid if data.exists() else None


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return 65534


def _copy(binaries: Binaries, target: Path) -> Binaries:
    """Copy the programs to where an account other than root can read them, and keep the copy for the next start."""
    root = binaries.bin_dir.parent
    if not target.exists():
        fresh = target.with_name(f"new-{os.getpid()}")
        shutil.copytree(root, fresh, symlinks=True)
        for library in root.parent.with_name(f"{root.parent.name}.libs").glob("*"):
            shutil.copy2(library, fresh / "lib")
        fresh.rename(target)
    return replace(binaries, bin_dir=target / "bin", lib_dir=target / "lib")
