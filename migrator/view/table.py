"""Responsible for aligning cells in columns; not for what the cells say."""

from __future__ import annotations

from collections.abc import Sequence

from migrator.view.ink import Ink
from migrator.view.printable import padded, width


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], ink: Ink) -> list[str]:
    """Return the lines of a table. Columns in which no row has anything are left out; nothing is cut or wrapped."""
    used = [index for index in range(len(heads)) if any(row[index] for row in rows)]
    widths = [max(width(line[index]) for line in (heads, *rows)) for index in used]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            padded(cells[index], cells_wide) for index, cells_wide in zip(used, widths, strict=True)
        ).rstrip()

    return [ink.bold(line(heads)), *(line(row) for row in rows)]
