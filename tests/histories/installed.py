"""One environment per package, with migrator in it, and an Alembic configuration that leads to its history."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.histories.published import RUN, History

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "migrator-tests" / "histories"
LOGGING = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = WARNING
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
"""
WRAPPER = """\
from alembic import context
{prelude}
def run_env():
    exec(compile(open({path!r}).read(), {path!r}, "exec"), {{"__name__": "env_py", "__file__": {path!r}}})
{run}
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A history in its environment at `venv`, with files of ours in `folder`."""

    history: History
    venv: Path
    folder: Path

    def program(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    @property
    def ini(self) -> Path:
        return self.folder / "alembic.ini"

    def environ(self, url: str) -> dict[str, str]:
        """Return the environment in which the history's `env.py` finds the database at `url`."""
        own = {name: text.format(url=self._alembic_url(url)) for name, text in self.history.environ.items()}
        return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **own}

    def start(self, url: str) -> None:
        """Point the configuration at the empty database `url`, and make in it what the first revision builds on."""
        self.point_at(url)
        if self.history.start:
            engine = f"import sqlalchemy; engine = sqlalchemy.create_engine({self._alembic_url(url)!r})"
            command = [self.program("python"), "-c", f"{engine}; {self.history.start}"]
            subprocess.run(command, env=self.environ(url), check=True, capture_output=True)

    def alembic(self, target: str) -> list[str]:
        """Return Alembic's upgrade of the database that the configuration names."""
        return [self.program("alembic"), "-c", str(self.ini), "upgrade", target]

    def migrator(self, target: str, url: str) -> list[str]:
        """Return migrator's upgrade of the database at `url`."""
        options = ["--alembic-ini", str(self.ini), "--database-url", url, "--format", "json"]
        return [self.program("migrator"), "upgrade", target, *options]

    def point_at(self, url: str) -> None:
        """Write the configuration for the database at `url`."""
        scripts = self._packages() / self.history.scripts
        folders = [str(one) for pattern in self.history.versions for one in sorted(scripts.glob(pattern))]
        location = self._wrapped(scripts) if self.history.prelude or self.history.run != RUN else scripts
        text = [
            "[alembic]",
            f"script_location = {location}",
            f"version_locations = {os.pathsep.join(folders)}",
            "path_separator = os",
            f"sqlalchemy.url = {self._alembic_url(url).replace('%', '%%')}",
        ]
        self.ini.write_text("\n".join(text) + LOGGING)

    def _wrapped(self, scripts: Path) -> Path:
        folder = self.folder / "scripts"
        folder.mkdir(exist_ok=True)
        (folder / "env.py").write_text(
            WRAPPER.format(prelude=self.history.prelude, path=str(scripts / "env.py"), run=self.history.run)
        )
        return folder

    def _alembic_url(self, url: str) -> str:
        return url.replace("postgresql:", f"postgresql+{self.history.driver}:", 1)

    def _packages(self) -> Path:
        (found,) = (self.venv / "lib").glob("python*/site-packages")
        return found


def install(history: History, cache: Path) -> Installed:
    """Return the history in its environment below `cache`, made the first time."""
    venv = cache / history.requirements[0].partition("[")[0]
    ready = venv / f".ready-{history.name}"
    if not ready.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--allow-existing", "--python", sys.executable, str(venv)], check=True)
        packages = ["-e", f"{ROOT}[embedded]", *history.requirements]
        subprocess.run([*uv, "pip", "install", "-q", "--python", str(venv / "bin/python"), *packages], check=True)
        ready.touch()
    folder = cache / "work" / history.name
    folder.mkdir(parents=True, exist_ok=True)
    return Installed(history, venv, folder)
