"""Which files are plans, by their names alone; apart from `migrator.plan`, which takes a while to import."""

from __future__ import annotations

from pathlib import Path

PLAN_SUFFIXES = (".yaml", ".yml")


def plan_files(folder: Path) -> list[Path]:
    """Return the plan files of a folder by name, which is the order of their numbers."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in PLAN_SUFFIXES and path.is_file())
    except (OSError, ValueError):
        return []
