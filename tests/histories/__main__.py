"""Takes the names of histories, runs each with Alembic and with migrator, and exits 1 where the results differ."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.histories.compare import Comparison
from tests.histories.installed import CACHE, install
from tests.histories.published import HISTORIES
from tests.support.leftovers import make_base, remove_base
from tests.support.servers import find_source, session_server


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.histories")
    arguments.add_argument("name", nargs="*", choices=[[], *HISTORIES], help="default: all")
    arguments.add_argument("--cache", type=Path, default=CACHE)
    given = arguments.parse_args()
    source = find_source(os.environ)
    assert source.binaries, "needs pg_dump"
    base, lock = make_base()
    differing = []
    try:
        with lock, session_server(source, base) as url:
            for name in given.name or HISTORIES:
                comparison = Comparison(install(HISTORIES[name], given.cache), url, source.binaries)
                if not comparison.run():
                    differing.append(name)
    finally:
        remove_base(base)
    print("the same everywhere" if not differing else f"different: {', '.join(differing)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
