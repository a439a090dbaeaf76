"""A file that cannot be read cannot be checked.

What it does
------------
Reports SQL files that are not UTF-8, not SQL, or larger than 20 MB, and plan files with errors.

Why it is bad
-------------
A gate that skips what it cannot read lets everything through.

What to do instead
------------------
Correct the line shown. Split a large file: loads of data do not belong to a migration.

When it does not apply
----------------------
Commands of psql that begin with a backslash are left out, with the data of `COPY ... FROM stdin`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Place
from migrator.check.rule import Report
from migrator.check.sql_text import Unreadable, read_sql

HAZARD = Hazard.FAILS
INSTEAD = "correct it, or keep the file out of the folders that are checked"
BAD = (b"SELEC 1;", b"\xff\xfe", b"ALTER TABLE a ADD COLUMN;", b"SELECT 1;\n" * 2_100_000)
GOOD = (b"SELECT 1;", b"", b"\\set x 1\nSELECT 1;", "-- ünïcode\nSELECT 1;".encode())


def find_in_file(content: bytes) -> Iterator[Report]:
    """Yield why the text of an SQL file cannot be checked."""
    read = read_sql(content)
    if isinstance(read, Unreadable):
        yield Report(read.reason, INSTEAD, place=Place("", read.line, read.column, read.excerpt))
