"""What `pg_dump` says of a database's schema, to compare two databases byte for byte."""

from __future__ import annotations

import os
import re
import subprocess

from migrator.postgres.server.binaries import Binaries

OURS = ("--exclude-schema=migrator", "--exclude-schema=migrator_archive")


def dump_schema(url: str, binaries: Binaries) -> str:
    """Return the whole schema but for migrator's own, without what differs between two dumps of one database."""
    program = [binaries.program("pg_dump"), "--schema-only", *OURS, "--dbname", url]
    environment = {**os.environ, **binaries.environment()}
    printed = subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\\(un)?restrict .*\n", "", printed, flags=re.MULTILINE)
