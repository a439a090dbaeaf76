"""What an application notices of each online form, and of the same revision under Alembic alone.

    python -m benchmarks.online_forms [--products N] [--lock-timeout MS]

A populated catalog, with a reader and a writer on every table, each sending a statement every few milliseconds. Each
form is a revision of one statement, upgraded and downgraded by Alembic, then by migrator, on copies of one database.
Writes benchmarks/results/online_forms.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg

from benchmarks.machine import machine
from catalog_schema.seed import Sizes, load
from migrator.postgres.server.embedded import embedded
from tests.catalog.alembic_steps import BASELINE
from tests.catalog.alembic_steps import upgrade as build
from tests.catalog.interference import Interference
from tests.support.databases import Database, Databases
from tests.support.project import ENV, Project

RESULTS = Path(__file__).parent / "results" / "online_forms.md"
ENV_PY = ENV.replace("configure(", 'configure(version_table="versions", ')  # beside the catalog's own history
PAUSE = 0.004  # seconds between two statements of one reader or writer
QUEUE_ALLOWANCE = 100  # milliseconds beyond lock_timeout that a statement may be delayed by us


class Form(NamedTuple):
    """A statement that would stop traffic, and its way back."""

    up: str
    down: str


FORMS = (
    Form("CREATE INDEX by_name ON products (name)", "DROP INDEX by_name"),
    Form("CREATE UNIQUE INDEX by_day ON visits (day, id)", "DROP INDEX by_day"),
    Form("REINDEX TABLE reviews", "REINDEX INDEX ix_reviews_product_id"),
    Form("DROP INDEX ix_prices_product_id", "CREATE INDEX ix_prices_product_id ON prices (product_id)"),
    Form("ALTER TABLE products ADD CONSTRAINT u UNIQUE (sku, name)", "ALTER TABLE products DROP CONSTRAINT u"),
    Form("ALTER TABLE logins ADD PRIMARY KEY (id)", "ALTER TABLE logins DROP CONSTRAINT logins_pkey"),
    Form(
        "ALTER TABLE variants ADD CONSTRAINT f FOREIGN KEY (product_id) REFERENCES products",
        "ALTER TABLE variants DROP CONSTRAINT f",
    ),
    Form("ALTER TABLE reviews ADD CONSTRAINT c CHECK (rating > 0)", "ALTER TABLE reviews DROP CONSTRAINT c"),
    Form("ALTER TABLE logins ALTER name SET NOT NULL", "ALTER TABLE logins ALTER name DROP NOT NULL"),
    Form(
        "ALTER TABLE products ADD seen int NOT NULL DEFAULT 0 CONSTRAINT s CHECK (seen >= 0)",
        "ALTER TABLE products DROP seen",
    ),
    Form("ALTER TABLE logins ALTER name TYPE varchar(80)", "ALTER TABLE logins ALTER name TYPE varchar(90)"),
    Form(
        "ALTER TABLE visits DETACH PARTITION visits_old",
        "ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM (0) TO (100)",
    ),
)
MORE = """
    CREATE TABLE logins (id bigint, name varchar(40));
    INSERT INTO logins SELECT n, 'name ' || n FROM generate_series(1, {rows}) n;
    CREATE INDEX logins_id ON logins (id);
    ALTER TABLE logins ALTER id SET NOT NULL;
    CREATE TABLE visits (id bigint NOT NULL, day int NOT NULL, page text) PARTITION BY RANGE (day);
    CREATE TABLE visits_old PARTITION OF visits (CHECK (day IS NOT NULL AND day >= 0 AND day < 100))
        FOR VALUES FROM (0) TO (100);
    CREATE TABLE visits_new PARTITION OF visits FOR VALUES FROM (100) TO (200);
    INSERT INTO visits SELECT n, n % 200, 'page ' || n FROM generate_series(1, {rows}) n;
    CREATE INDEX visits_id ON visits (id);
    DELETE FROM variants WHERE NOT EXISTS (SELECT FROM products WHERE products.id = product_id)
"""
READS = {
    "categories": "SELECT name FROM categories WHERE id = %(id)s %% 20 + 1",
    "products": "SELECT name, rating FROM products JOIN reviews ON product_id = products.id WHERE products.id = %(id)s",
    "variants": "SELECT sku FROM variants WHERE product_id = %(id)s",
    "prices": "SELECT amount FROM prices WHERE id = %(id)s",
    "reviews": "SELECT rating FROM reviews WHERE id = %(id)s",
    "logins": "SELECT id FROM logins WHERE id = %(id)s",
    "visits": "SELECT page FROM visits WHERE id = %(id)s AND day = %(id)s %% 100 + 100",
}
WRITES = {
    "categories": "UPDATE categories SET name = name WHERE id = %(id)s %% 20 + 1",
    "products": "UPDATE products SET price_cents = %(id)s WHERE id = %(id)s",
    "variants": "UPDATE variants SET stock = stock + 1 WHERE id = %(id)s",
    "prices": "INSERT INTO prices (product_id, amount) SELECT id, 5 FROM products WHERE id = %(id)s",
    "reviews": "INSERT INTO reviews (product_id, rating) SELECT id, 5 FROM products WHERE id = %(id)s",
    "logins": "UPDATE logins SET name = name WHERE id = %(id)s",
    "visits": "UPDATE visits SET page = page WHERE id = %(id)s AND day = %(id)s %% 100 + 100",
}


@dataclass
class Noticed:
    """What the readers and writers came to: statements, the longest of them in milliseconds, and what failed."""

    statements: int = 0
    longest: float = 0.0
    failures: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def application(url: str, rows: int) -> Iterator[Noticed]:
    """Read and write every table until the block ends; ids are taken from the first `rows`."""
    noticed = Noticed()
    threads = [
        threading.Thread(target=_send, args=(url, statement, rows, noticed), daemon=True)
        for statement in (*READS.values(), *WRITES.values())
    ]
    for thread in threads:
        thread.start()
    try:
        yield noticed
    finally:
        noticed.stopping.set()
        for thread in threads:
            thread.join(timeout=60)


def _send(url: str, statement: str, rows: int, noticed: Noticed) -> None:
    number = hash(statement) % rows
    with psycopg.connect(url, autocommit=True, application_name="application") as connection:
        while not noticed.stopping.wait(PAUSE):
            number = (number + 7919) % rows
            started = time.monotonic()
            try:
                connection.execute(statement, {"id": number + 1})
            except psycopg.Error as error:
                noticed.failures.append(f"{statement}: {error}")
            noticed.longest = max(noticed.longest, (time.monotonic() - started) * 1000)
            noticed.statements += 1


def catalog(database: Database, products: int) -> None:
    """Build the populated catalog, with a table without a key and a partitioned one besides."""
    build(database.url, BASELINE)
    with database.connect() as connection:
        load(connection, Sizes.of(products), seed=1)
        connection.execute(MORE.format(rows=products))
        connection.execute("ANALYZE")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One revision under load: how long the tool took, in seconds, and what was noticed, in milliseconds."""

    tool: str
    code: int
    seconds: float
    longest: float
    waited: float
    failures: int


def measure(tool: str, form: Form, database: Database, products: int, lock_timeout: int) -> Outcome:
    """Upgrade and downgrade the revision of `form` with `tool` while the application works."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), database.url)
        project.env(
            ENV.replace("configure(connection=connection", 'configure(connection=connection, version_table="v"')
        )
        project.sql_revision("change", [form.up], [form.down])
        url = database.url.replace("postgresql:", "postgresql+psycopg:").replace("%", "%%")
        (project.folder / "alembic.ini").write_text(
            f"[alembic]\nscript_location = {folder}\npath_separator = os\nsqlalchemy.url = {url}\n"
        )
        command = [str(Path(sys.executable).with_name(tool))]
        command += ["--config", "alembic.ini"] if tool == "alembic" else []
        environ = {**os.environ, "PGAPPNAME": "alembic", "DATABASE_URL": database.url}
        environ |= {"MIGRATOR_LOCK_TIMEOUT": f"{lock_timeout}ms"}
        who = "migrator %" if tool == "migrator" else "alembic"
        with application(database.url, products) as noticed, Interference(database.url, who) as interference:
            started = time.monotonic()
            codes = [
                subprocess.run([*command, *way], cwd=folder, env=environ, capture_output=True, check=False).returncode
                for way in (["upgrade", "head"], ["downgrade", "base"])
            ]
            seconds = time.monotonic() - started
        for failure in set(noticed.failures):
            print(f"{tool}: {failure}", file=sys.stderr)
        return Outcome(
            tool, max(codes), seconds, noticed.longest, interference.longest_wait[0] * 1000, len(noticed.failures)
        )


def main() -> int:
    """Measure every form and write the page."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.online_forms")
    arguments.add_argument("--products", type=int, default=1_000_000)
    arguments.add_argument("--lock-timeout", type=int, default=500, metavar="MS")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "pg", fsync=False) as url:
        databases = Databases(url, "forms")
        template = databases.create()
        catalog(template, given.products)
        lines = [_title(given.products, given.lock_timeout)]
        bad = 0
        for form in FORMS:
            plain, online = (_one(tool, form, databases, template, given) for tool in ("alembic", "migrator"))
            limit = given.lock_timeout + QUEUE_ALLOWANCE
            bad += bool(online.code or online.failures or online.waited > limit)
            lines.append(_row(form, plain, online))
            print(lines[-1], flush=True)
        databases.close()
    RESULTS.write_text("\n".join(lines) + "\n")
    return 1 if bad else 0


def _one(tool: str, form: Form, databases: Databases, template: Database, given: argparse.Namespace) -> Outcome:
    database = databases.create(template.name)
    try:
        return measure(tool, form, database, given.products, given.lock_timeout)
    finally:
        databases.drop(database)


def _title(products: int, lock_timeout: int) -> str:
    return f"""\
# Every online form under load, beside plain Alembic

A catalog of {products:,} products, with a reader and a writer on every table. Each revision is upgraded and downgraded.
*Waited* is the longest that a statement of the application waited for a lock of the tool, as the server saw it, looking
every 20 ms; *longest* is its slowest statement, on a machine that is not idle; *failed* counts its errors. All in
milliseconds but for the last figure; `lock_timeout` {lock_timeout} ms. Written by `make bench-forms`.

{machine()}

| revision and its way back | alembic: waited, longest, failed, seconds | migrator: waited, longest, failed, seconds |
|---|---|---|"""


def _row(form: Form, *outcomes: Outcome) -> str:
    cells = [
        f"{one.waited:,.0f}, {one.longest:,.0f}, {one.failures}, {one.seconds:.1f}"
        + (f" (exit {one.code})" if one.code else "")
        for one in outcomes
    ]
    return f"| `{form.up}`; `{form.down}` | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
