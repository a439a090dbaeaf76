"""PostgreSQL refuses root: the private server finds another account, and a plain user needs none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import psycopg
import pytest

from migrator.postgres.server import account
from migrator.postgres.server.binaries import Binaries, binaries_in, find_binaries
from migrator.postgres.server.embedded import embedded
from migrator.postgres.server.errors import NoAccountError
from tests.integration.server.conftest import IMPORTABLE, Users
from tests.support.servers import Source

NOBODY = 65534
AS_NOBODY: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to find another account")


def answers(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def owner(home: Path) -> int:
    return (home / "data").stat().st_uid


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that does not allow user namespaces."""
    monkeypatch.setattr(account, "_UNSHARE", ("/bin/false",))


@pytest.fixture
def python_for_nobody() -> str:
    """A Python that an account other than root can run and that finds migrator."""
    asked = ["-c", "import migrator.postgres.server.embedded"]
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([python, *asked], **AS_NOBODY, env={"PYTHONPATH": IMPORTABLE}, stderr=DEVNULL, check=True)
            return python
    pytest.skip("nobody can run this Python, or read this checkout")


@pytest.fixture
def readable(postgres_source: Source, session_base: Path) -> Binaries:
    """The session's programs, copied to where everybody can read them if they are not."""
    assert postgres_source.binaries is not None
    as_nobody = account.Account(owner=NOBODY, switch=NOBODY)
    if as_nobody.can_run(postgres_source.binaries, session_base):
        return postgres_source.binaries
    return account._copy(postgres_source.binaries, session_base / f"readable-{os.getpid()}")


@as_root
def test_as_root_the_server_runs_as_nobody_where_nobody_can_reach_it(home: Path, readable: Binaries) -> None:
    with embedded(home, fsync=False, binaries=readable) as url:
        assert answers(url)
        assert owner(home) != 0


@as_root
def test_as_root_below_a_closed_folder_the_server_runs_in_a_user_namespace(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with embedded(tmp_path / "pg", fsync=False) as url:
        assert answers(url)
        assert owner(tmp_path / "pg") == 0


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_as_root_programs_that_nobody_can_read_are_copied(home: Path, tmp_path: Path, postgres_source: Source) -> None:
    if postgres_source.binaries is None or postgres_source.binaries.lib_dir is None:
        pytest.skip("the programs of the system cannot be copied")
    tmp_path.chmod(0o700)
    installed = postgres_source.binaries.bin_dir.parent
    shutil.copytree(installed, tmp_path / "package" / "installed")
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, tmp_path / "package.libs")
    closed = binaries_in(tmp_path / "package" / "installed" / "bin", "a closed folder")
    with embedded(home, fsync=False, binaries=closed) as url:
        assert answers(url)
        assert owner(home) != 0


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_as_root_a_folder_that_no_other_account_can_reach_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(NoAccountError), embedded(tmp_path / "pg", fsync=False):
        pass
    assert not (tmp_path / "pg" / "software").exists()


@as_root
def test_data_move_between_accounts_as_the_way_to_them_opens_and_closes(home: Path, readable: Binaries) -> None:
    for mode, expected in ((0o755, NOBODY), (0o700, 0), (0o755, NOBODY)):
        home.parent.chmod(mode)
        with embedded(home, fsync=False, binaries=readable) as url:
            assert answers(url)
            assert owner(home) == expected


@as_root
def test_a_plain_user_starts_a_server_of_his_own(home: Path, users: Users, python_for_nobody: str) -> None:
    os.chown(home.parent, NOBODY, NOBODY)
    user = users.start(home, python=python_for_nobody, **AS_NOBODY)
    assert answers(user.joined().url)
    user.leave()
    assert owner(home) == NOBODY


@as_root
def test_root_leaves_the_data_of_a_plain_user_with_him(home: Path) -> None:
    somebody = 54321
    home.mkdir()
    os.chown(home, somebody, somebody)
    with embedded(home, fsync=False):
        pass
    account.Account(owner=somebody).own(home / "data")
    with embedded(home, fsync=False) as url:
        assert answers(url)
        assert owner(home) == somebody


@as_root
def test_a_plain_user_is_told_that_a_folder_is_not_his(home: Path, users: Users, python_for_nobody: str) -> None:
    with embedded(home, fsync=False):
        pass
    user = users.start(home, python=python_for_nobody, **AS_NOBODY)
    assert user.said() == "MG217"


@pytest.mark.skipif(os.geteuid() == 0, reason="root takes another account")
def test_a_plain_user_runs_the_server_himself(home: Path) -> None:
    with embedded(home, fsync=False, binaries=find_binaries()) as url:
        assert answers(url)
        assert owner(home) == os.geteuid()
