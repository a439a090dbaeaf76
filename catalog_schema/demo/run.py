"""Sets the stage for the demonstration and clears it, however it ends; the story itself is in `story`."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TextIO

import psycopg

from catalog_schema.demo.signals import Signals, Stopped
from catalog_schema.demo.stage import ROOT, CommandFailedError, Stage
from catalog_schema.demo.story import tell
from catalog_schema.load import LoadError
from catalog_schema.seed import NotEmptyError

ROWS = 1_000_000
_BYTES_PER_ROW = 3_000  # with its share of the other tables, the old row versions and the log; measured 2,100
_SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB"}

_FAILURES = (CommandFailedError, LoadError, NotEmptyError, psycopg.Error)


class Server(Protocol):
    """Runs a private PostgreSQL on the files in a folder and hands out its address."""

    def __call__(self, directory: Path, *, settings: Mapping[str, str]) -> AbstractContextManager[str]: ...


def run(*, server: Server, out: TextIO, rows: int | None = None, keep: Path | None = None) -> int:
    """Show a whole change of the catalog under load and return an exit code: 0 if the application noticed nothing.

    Args:
        server: makes the private server.
        out: where the story goes.
        rows: how many products.
        keep: where the database stays; a temporary folder that is removed by default.
    """
    count = rows or ROWS
    if objection := _objection(count, keep):
        out.write(f"{objection}\n")
        return 2
    with Signals() as signals, _folder(keep) as folder, server(folder, settings=_SETTINGS) as url:
        stage = Stage(url, out)
        try:
            signals.arm()
            good = tell(stage, url, count, keep)
        except Stopped as stopped:
            stays = f"; the database stays in {keep}" if keep else ""
            stage.line(f"\nstopped; the load and the private server are ended{stays}")
            return stopped.exit_code
        except _FAILURES as error:
            stage.line(f"\nthe demonstration failed: {error}")
            return 1
        finally:
            signals.disarm()
    return 0 if good else 1


def _objection(rows: int, keep: Path | None) -> str | None:
    if not (ROOT / "plans").is_dir():
        return f"the demonstration needs a checkout of the repository: {ROOT} has no plans"
    if keep and keep.exists() and any(keep.iterdir()):
        return (
            f"{keep} is in use: see what is there with `migrator status --database-url embedded:{keep}`,"
            " or keep this demonstration in another folder"
        )
    place = next(one for one in (keep.absolute(), *keep.absolute().parents) if one.exists()) if keep else None
    folder = place or Path(tempfile.gettempdir())
    needed, free = rows * _BYTES_PER_ROW + 500_000_000, shutil.disk_usage(folder).free
    if free < needed:
        return (
            f"{folder} has {free / 1e9:.1f} GB free, and {rows:,} rows need about {needed / 1e9:.1f} GB:"
            " use fewer --rows, or --keep DIR on a larger disk"
        )
    return None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="migrator-demo-") as folder:
        Path(folder).chmod(0o755)  # started by root, the server runs as another user, who must be able to get there
        yield Path(folder) / "pg"
