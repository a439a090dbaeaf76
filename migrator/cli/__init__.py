"""Responsible for the command line: what can be typed, and what a process returns. All else is done elsewhere."""

from migrator.cli.main import main

__all__ = ["main"]
