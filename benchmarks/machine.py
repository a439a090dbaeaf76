"""Names the machine that a figure comes from, and tells what its processes have used of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def machine() -> str:
    """Return the processor, its cores, and how busy it is just now."""
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    return f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"


def processor_of(pid: int) -> float:
    """Return the seconds of processor time of a process, of its children, and of those of them that have ended."""
    own = _spent(pid, ended_children=True)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_spent(int(child), ended_children=False) for child in children)


def _spent(pid: int, *, ended_children: bool) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it ended between two looks
        return 0.0
    return sum(map(int, fields[11 : 15 if ended_children else 13])) / TICKS
