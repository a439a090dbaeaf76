"""`make service`: the catalog service with all that it needs, until Ctrl-C; nothing of it is left afterwards."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tools.servers import is_free
from tools.stack import Stack, stop_on_signals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.service", description=__doc__)
    parser.add_argument("--products", type=int, default=5_000, help="in the catalog to begin with (default: 5000)")
    parser.add_argument("--port", type=int, default=8000, help="of the service (default: 8000)")
    arguments = parser.parse_args()
    if not is_free(arguments.port):
        parser.error(f"port {arguments.port} is taken: make service PORT={arguments.port + 1}")
    stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="catalog-service-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with Stack(folder, products=arguments.products, port=arguments.port, say=_say) as stack:
                _introduce(stack)
                signal.pause()
        except KeyboardInterrupt:
            _say("stopped; all is taken down")
    return 0


def _introduce(stack: Stack) -> None:
    _say("")
    _say(f"  the catalog for people    {stack.url}/")
    _say(f"  for programs              {stack.url}/v1/products   {stack.url}/openapi.json")
    _say(f"  is it well?               {stack.url}/readyz   {stack.url}/metrics")
    _say("")
    _say("  change the schema beneath it, in another terminal:")
    _say(f"    export DATABASE_URL={stack.database_url}")
    _say("    migrator apply product-tags")
    _say("")
    _say("  Ctrl-C ends it")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
