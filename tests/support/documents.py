"""Large YAML files that tests are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # many times as fast, where PyYAML was built with it


def read_yaml(path: Path) -> Any:
    """Return what the file holds."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
