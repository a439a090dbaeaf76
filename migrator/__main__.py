"""Responsible for ``python -m migrator``; the command itself is in `migrator.cli`."""

import sys

from migrator.cli import main

if __name__ == "__main__":
    sys.exit(main())
