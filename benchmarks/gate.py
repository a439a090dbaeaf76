"""Measures `migrator check` beside squawk and alembic-guard: how many findings are right, and how many are missed.

`python -m benchmarks.gate` installs both into a cache, and writes `benchmarks/results/gate.md`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine
from migrator.check.options import Runner
from tests.histories.installed import CACHE
from tests.support.corpus import Case, cases
from tests.support.revisions import entries, label, reasons, write

OTHERS = ("squawk-cli==2.70.0", "alembic-guard==0.1.1")
RESULTS = Path(__file__).parent / "results" / "gate.md"
TIMEOUTS = frozenset({"require-lock-timeout", "require-statement-timeout", "require-timeout-settings"})
"""Rules of squawk about timeouts, which the runner of most cases sets."""
_CLAIMED = frozenset({"rewrite", "scan", "build", "lock", "breaks", "loss", "fails"})
"""Reasons that squawk has rules for. Long data changes, many locks in one transaction, order are for ours alone."""

_INTRODUCTION = """\
# `migrator check` beside squawk and alembic-guard

Precision is how many of the reported cases are unsafe, recall how many of the unsafe ones are reported. Written by
`make bench-gate`. The cases are those that migrator's rules are tested with, and the few that it has wrong are marked
`open` among them: what the tables show is what the others do with them. The labels of the SQL cases are held against
PostgreSQL 14 and 18. How the gate does on what it does not know is told by cases that were written and labelled without
a look at the rules, before these were put right:

| cases | precision | recall | safe, but reported | unsafe, but not |
|---|---|---|---|---|
| 147 in `written_blindly.yaml` | 0.98 | 0.97 | 2 | 3 |
| 134 in `written_blindly_again.yaml` | 0.90 | 0.49 | 4 of 56 | 40 of 78 |
| 96 in `revisions_written_blindly.yaml`, run by Alembic | 0.86 | 0.77 | 7 of 40 | 13 of 56 |
| 57 in `written_blindly_thirdly.yaml`, after the rules were put right | 0.92 | 0.43 | 1 of 29 | 16 of 28 |
| 237 in `written_blindly_fourthly.yaml` | 0.99 | 0.93 | 2 of 117 | 9 of 120 |
| 150 in `written_blindly_fifthly.yaml`, after the rules were put right | 0.96 | 0.93 | 3 of 72 | 5 of 78 |
| 100 in `revisions_written_blindly_again.yaml`, run by Alembic | 0.89 | 1.00 | 7 of 46 | 0 of 54 |
| 80 in `revisions_written_blindly_thirdly.yaml`, after that, by Alembic | 0.90 | 0.96 | 5 of 31 | 2 of 49 |
| 100 in `revisions_written_blindly_fourthly.yaml`, after that, by Alembic | 0.86 | 0.86 | 7 of 50 | 7 of 50 |
| 119 in `revisions_written_blindly_fifthly.yaml`, after that, by Alembic | 0.90 | 0.87 | 6 of 58 | 8 of 61 |
| 150 in `written_blindly_sixthly.yaml` | 0.97 | 0.91 | 2 of 75 | 7 of 75 |
| 57 in `revisions_written_blindly_sixthly.yaml`, by Alembic | 1.00 | 0.91 | 0 of 22 | 3 of 35 |
| the 50 others there, after the rules were put right | 0.97 | 0.94 | 1 of 19 | 2 of 31 |
| 129 in `written_blindly_seventhly.yaml` | 0.98 | 0.86 | 1 of 65 | 9 of 64 |
| 50 in `written_blindly_eighthly.yaml` | 0.85 | 0.85 | 4 of 24 | 4 of 26 |
| 60 in `revisions_written_blindly_seventhly.yaml`, by Alembic | 0.79 | 0.82 | 7 of 27 | 6 of 33 |
| 50 in `written_blindly_ninthly.yaml`, after the rules were put right | 0.96 | 1.00 | 1 of 25 | 0 of 25 |
| 30 in `written_blindly_tenthly.yaml`, after that | 1.00 | 1.00 | 0 of 15 | 0 of 15 |
| 60 in `written_blindly_eleventhly.yaml`, after that | 1.00 | 1.00 | 0 of 30 | 0 of 30 |
| 60 in `revisions_written_blindly_eighthly.yaml`, after that, by Alembic | 1.00 | 0.97 | 0 of 25 | 1 of 35 |

The second batch looked for what had no rule: triggers, identities, publications, names that are taken, statements that
EXPLAIN ANALYZE, COPY or EXECUTE carry. The third is mostly of statements that PostgreSQL refuses, the eighth of pairs
and of what has no rule, and the seventh of revisions of data that they read, loop over and seed: warnings that not all
could be seen count as reported. The others are what teams write. Three cases are left out since: a `json` column, which
is a matter of style, a statement that is none, and one that PostgreSQL 17 takes and 15 does not. Labels of some
revisions were changed, for what migrator itself runs otherwise than it is written. What is said of a downgrade that
only stalls became a warning with the fourth batch of revisions, whose authors, as those before them, call it safe.

squawk reads each case by itself, as it has no way to be told the schema; its rules about timeouts count in cases about
timeouts only. alembic-guard reads the Python of a revision and does not run it. Every finding of either counts.
"""


@dataclass(frozen=True, slots=True)
class Score:
    """How a tool did: unsafe cases found and missed, safe cases reported and let pass."""

    found: int
    missed: int
    alarms: int
    quiet: int

    @classmethod
    def of(cls, judged: Iterable[tuple[bool, bool]]) -> Score:
        """Count pairs of whether a case is unsafe and whether it was reported."""
        pairs = list(judged)
        return cls(*(pairs.count(one) for one in ((True, True), (True, False), (False, True), (False, False))))

    @property
    def row(self) -> str:
        precision = self.found / max(self.found + self.alarms, 1)
        recall = self.found / max(self.found + self.missed, 1)
        safe, unsafe = self.alarms + self.quiet, self.found + self.missed
        return f"{precision:.3f} | {recall:.3f} | {self.alarms} of {safe} | {self.missed} of {unsafe}"


def main() -> int:
    tools = _installed()
    corpus = cases()
    with tempfile.TemporaryDirectory() as folder:
        said = _squawk(tools / "squawk", corpus, Path(folder))
        guarded = _guard(tools / "alembic-guard", Path(folder) / "revisions")
        ours = _ours(Path(folder) / "project")
    judges: dict[str, Callable[[Case], bool]] = {
        "migrator check": lambda case: bool(case.verdict(case.until)),
        "squawk, as shipped": lambda case: bool(said[case.name] - (TIMEOUTS if case.timeouts else set())),
        "squawk, without `prefer-*`": lambda case: any(
            not rule.startswith("prefer-") for rule in said[case.name] - (TIMEOUTS if case.timeouts else set())
        ),
    }
    claimed = [case for case in corpus if not case.why or case.why in _CLAIMED]
    names = [one["name"] for one in entries()[1:]]
    revisions = {"migrator check --for alembic": ours, "alembic-guard --strict --include-downgrade": guarded}
    lines = [
        *_INTRODUCTION.splitlines(),
        "",
        f"{machine()}; {', '.join(OTHERS)}",
        "",
        *_table(f"{len(corpus)} changes in SQL", {name: _scored(corpus, judge) for name, judge in judges.items()}),
        *_table(
            f"{len(claimed)} of them: safe, or unsafe for a reason that squawk has rules for",
            {name: _scored(claimed, judge) for name, judge in judges.items()},
        ),
        *_table(
            f"{len(names)} Alembic revisions, run by Alembic",
            {
                name: Score.of((label(one, Runner.ALEMBIC), one["name"] in reported) for one in entries()[1:])
                for name, reported in revisions.items()
            },
        ),
    ]
    RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    return 0


def _scored(corpus: list[Case], judge: Callable[[Case], bool]) -> Score:
    return Score.of((bool(case.why), judge(case)) for case in corpus)


def _table(title: str, scores: dict[str, Score]) -> list[str]:
    head = ["| tool | precision | recall | safe, but reported | unsafe, but not |", "|---|---|---|---|---|"]
    return [f"## {title}", "", *head, *(f"| {name} | {score.row} |" for name, score in scores.items()), ""]


def _installed() -> Path:
    venv = CACHE.parent / "gate"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--allow-existing", "--python", sys.executable, str(venv)], check=True)
    subprocess.run([*uv, "pip", "install", "-q", "--python", str(venv / "bin/python"), *OTHERS], check=True)
    return venv / "bin"


def _squawk(program: Path, corpus: list[Case], folder: Path) -> dict[str, set[str]]:
    """Return the rules that squawk reports, by the name of the case."""
    said: dict[str, set[str]] = {case.name: set() for case in corpus}
    for version in {case.until for case in corpus}:
        files = []
        for case in corpus:
            if case.until == version:
                files.append(folder / f"{case.name}.sql")
                files[-1].write_text(case.sql + ";\n", encoding="utf-8")
        command = [str(program), "--reporter", "json", "--pg-version", f"{version}.0", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        for one in json.loads(done.stdout):
            said[Path(one["file"]).stem].add(one["rule_name"])
    return said


def _guard(program: Path, folder: Path) -> set[str]:
    """Return the names of the revisions that alembic-guard reports; each file stands for one."""
    folder.mkdir()
    names = {}
    for number, case in enumerate(entries()[1:]):
        write(folder, f"r{number}", "one", case)
        names[f"r{number}"] = case["name"]
    command = [str(program), "--format", "json", "--include-downgrade", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {names[Path(one["path"]).stem] for one in json.loads(done.stdout)}


def _ours(project: Path) -> set[str]:
    project.mkdir()
    return {case["name"] for case in entries()[1:] if reasons(project, case, Runner.ALEMBIC)}


if __name__ == "__main__":
    sys.exit(main())
