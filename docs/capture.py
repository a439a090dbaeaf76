"""Renews the outputs that the README shows, by running its commands: `python -m docs.capture`.

Responsible for reading the README's commands and comparing outputs; the README decides which outputs are shown.
"""  # noqa: INP001 - a script that is run from the root of the checkout

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migrator.postgres.server.embedded import embedded

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PRODUCTS = 1_000_000

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as the README shows it, with the output below it, which may be empty."""

    command: str
    output: str


def shown(text: str) -> Iterator[Shown]:
    """Yield the commands of every console block of `text`."""
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Shown(command, output)


def run(command: str, *, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a command of migrator, as the README shows it, in a checkout and on the database at `url`."""
    program, *arguments = shlex.split(command)
    if program != "migrator":
        raise ValueError(f"not a command of migrator: {command}")
    own = {name: value for name, value in os.environ.items() if not name.startswith("MIGRATOR_")}
    return subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=folder,
        env={**own, "DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def fill(url: str, products: int, folder: Path) -> None:
    """Make the catalog that the README's commands are about."""
    run("migrator apply baseline", folder=folder, url=url).check_returncode()
    command = [sys.executable, "-m", "catalog_schema.seed", "--products", str(products), "--database-url", url]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)


def shape(output: str) -> str:
    """Return `output` without what differs from run to run: numbers, the widths they take, the database's name."""
    text = re.sub(r"^( *database +)\S+?(,?)( |$)", r"\1D\2\3", output, flags=re.MULTILINE)
    return re.sub(" +", " ", _NUMBER.sub("N", text))


def main() -> None:
    """Run the README's commands and put what they print into it."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="migrator-docs-") as folder:
        Path(folder).chmod(0o755)  # started by root, the server runs as another user
        with embedded(Path(folder) / "pg") as url:
            fill(url, PRODUCTS, ROOT)
            for one in shown(text):
                if one.command.startswith("migrator "):
                    output = run(one.command, folder=ROOT, url=url).stdout
                    if one.output:
                        text = text.replace(f"$ {one.command}\n{one.output}", f"$ {one.command}\n{output}", 1)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
