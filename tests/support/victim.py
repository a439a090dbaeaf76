"""`migrator` processes that are killed at a chosen event, or kill themselves at it.

They are forked from a process that has everything imported, so that a test can afford many of them; from then on they
do what the command does.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.project import Project
from tests.support.sessions import wait_for_the_end

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.support.victim", "migrator.cli.main", "migrator.engine.run"])
_NUMBERS = count(1)
LONGEST = 60.0


class Victim:
    """A `migrator` process in the folder of `project`, whose events can be watched while it lives."""

    def __init__(self, project: Project, *args: str) -> None:
        self.args = args
        self._log = project.folder / f"run-{next(_NUMBERS)}.jsonl"
        self._log.touch()
        given = (project.folder, project.url, [*args, "--format", "json"], self._log)
        self._process = _FORKS.Process(target=become_migrator, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def printed(self) -> str:
        """What it has printed, to both streams."""
        return self._log.read_text()

    def events(self) -> list[dict[str, Any]]:
        """Return what it has told so far."""
        lines = self.printed.split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith('{"version"')]

    def reaches(self, number: int, name: str | None = None) -> bool:
        """Wait for its `number`-th event, of those called `name`; False where it ended before."""
        deadline = time.monotonic() + LONGEST
        while sum(name is None or one.get("event") == name for one in self.events()) < number:
            if not self._process.is_alive():
                return False
            assert time.monotonic() < deadline, f"{self.args} hangs:\n{self.printed}"
            time.sleep(0.001)
        return True

    def kill(self) -> bool:
        """Kill it as `kill -9` does; tell whether it was still alive."""
        self._process.kill()
        self._process.join()
        return self._process.exitcode == -9

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(LONGEST)
        code = self._process.exitcode
        assert code is not None, f"{self.args} hangs:\n{self.printed}"
        return code


def dies_at(project: Project, plan: str, number: int, *, name: str = "statement", back_to: str = "") -> bool:
    """Apply `plan`, or roll it back, in a process that dies in the very moment of its `number`-th event of a name.

    An empty name means any event. Returns False where there are fewer.
    """
    who = (project.folder, project.url, plan)
    process = _FORKS.Process(
        target=_mortal, args=who, kwargs={"number": number, "event_name": name, "back_to": back_to}
    )
    process.start()
    process.join(LONGEST)
    assert process.exitcode in (0, -signal.SIGKILL), f"ended with {process.exitcode}"
    wait_for_the_end(project.url)
    return process.exitcode != 0


def _mortal(folder: Path, url: str, name: str, *, number: int, event_name: str, back_to: str) -> None:
    from migrator.engine import run
    from migrator.engine.events import Event
    from migrator.engine.stop import Stop
    from migrator.engine.target import open_target
    from migrator.plan import find_plan, load_plan
    from migrator.settings import load_settings

    left = number

    def emit(event: Event) -> None:
        nonlocal left
        left -= event_name in ("", event.name)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = load_settings({"database_url": url}, environ={}, cwd=folder)
    plan = load_plan(find_plan(name, settings.plans))
    with open_target(settings, command="rollback" if back_to else "apply") as target:
        if back_to:
            run.rollback(target, plan, to=back_to, emit=emit, stop=Stop())
        else:
            run.apply(target, plan, to=None, emit=emit, stop=Stop())


def become_migrator(folder: Path, url: str, args: list[str], log: Path) -> None:
    """Do in this process what `migrator ARGS` does in `folder`, on the database of `url`, and end as it ends."""
    from migrator.cli.main import main

    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("MIGRATOR_", "PG"))]:
        del os.environ[name]
    os.environ["DATABASE_URL"] = url
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    raise SystemExit(main(args))
