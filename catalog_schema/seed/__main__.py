"""The command `python -m catalog_schema.seed`: reads arguments and reports progress; generates and sends nothing."""

import argparse
import os
import sys

import psycopg

from catalog_schema.seed import NotEmptyError, Sizes, load


def main() -> int:
    """Fill the catalog named on the command line or by DATABASE_URL."""
    arguments = _parser().parse_args()
    if not arguments.database_url:
        _say("no database: give --database-url or set DATABASE_URL")
        return 2
    try:
        with psycopg.connect(arguments.database_url, application_name="catalog-seed") as connection:
            load(connection, Sizes.of(arguments.products), arguments.seed, analyze=arguments.analyze, report=_say)
    except NotEmptyError as error:
        _say(str(error))
        return 0 if arguments.if_empty else 1
    except psycopg.Error as error:
        _say(str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m catalog_schema.seed",
        description="Fill an empty catalog, whose schema is at the baseline, with generated rows.",
    )
    parser.add_argument("--products", type=int, default=100_000, help="how many products (default: 100,000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same rows (default: 1)")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"), help="default: DATABASE_URL")
    parser.add_argument(
        "--analyze", action=argparse.BooleanOptionalAction, default=True, help="collect statistics afterwards"
    )
    parser.add_argument("--if-empty", action="store_true", help="leave a catalog that has rows as it is")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
