"""The command `python -m catalog_schema.load`: commands come in on stdin, one JSON object per line goes out on stdout.

    shape old|new|mixed   release another application; answered when the one before has no request under way
    mark NAME             begin another bucket; answered with the one before
    stop                  (or the end of input) answered with the last bucket, then with the acknowledged writes

Responsible for arguments and for the conversation; what the load does is in `driver`.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict
from threading import Thread
from typing import Any, get_args

from catalog_schema.load.driver import Driver
from catalog_schema.load.shapes import PLANS, Form

_SHOWN = 20
"""How many lost writes are named; all are counted."""


def main() -> int:
    """Run the load until it is told to stop."""
    arguments = _parser().parse_args()
    if not arguments.database_url:
        sys.stderr.write("no database: give --database-url or set DATABASE_URL\n")
        return 2
    try:
        asyncio.run(_run(arguments))
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    driver = Driver(
        arguments.database_url,
        arguments.plan,
        arguments.shape,
        workers=arguments.workers,
        rate=arguments.rate,
        seed=arguments.seed,
    )
    commands = _commands()
    await driver.start()
    _say(event="ready", plan=arguments.plan, shape=arguments.shape)
    while (line := await commands.get()) is not None:
        match line.split(maxsplit=1):
            case ["shape", "old" | "new" | "mixed" as form]:
                await driver.switch(form)
                _say(event="shape", shape=form)
            case ["mark", name]:
                _say(event="bucket", **(await driver.mark(name)).summary())
            case ["stop"]:
                break
            case _:
                _say(event="error", message=f"not a command: {line}")
    await _finish(driver, verify=arguments.verify)


async def _finish(driver: Driver, *, verify: bool) -> None:
    _say(event="bucket", **(await driver.stop()).summary())
    lost = await driver.lost() if verify else []
    examples = [asdict(write) for write in lost[:_SHOWN]]
    _say(event="stopped", writes=driver.writes, verified=verify, lost=len(lost), examples=examples)


def _commands() -> asyncio.Queue[str | None]:
    """Return a queue of the lines on stdin; None is its end.

    A daemon thread reads, because a read that waits for a line would keep the process from ending.
    """
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(queue.put_nowait, line.strip())
        loop.call_soon_threadsafe(queue.put_nowait, None)

    Thread(target=read, daemon=True).start()
    return queue


def _say(**event: Any) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m catalog_schema.load",
        description="Read and write the catalog as the application does, and measure what it notices.",
        epilog="Commands on stdin: shape old|new|mixed, mark NAME, stop.",
    )
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"), help="default: DATABASE_URL")
    parser.add_argument("--plan", choices=PLANS, default="product-tags", help="the plan that runs meanwhile")
    parser.add_argument("--shape", choices=get_args(Form), default="old", help="the application to begin with")
    parser.add_argument("--workers", type=int, default=4, help="connections (default: 4)")
    parser.add_argument("--rate", type=float, default=160.0, help="requests per second in all (default: 160)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices (default: 1)")
    parser.add_argument(
        "--verify", action=argparse.BooleanOptionalAction, default=True, help="look for lost writes in the end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
