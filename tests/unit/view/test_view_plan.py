from __future__ import annotations

import io
import json
import re

from migrator.engine.reports import PlanReport, StatementReport, StepReport
from migrator.postgres.blockers import Blocker
from migrator.view import plan
from migrator.view.formats import load
from migrator.view.ink import Ink
from migrator.view.streams import Streams

BLOCKER = Blocker(48121, "report-runner", "reports", "idle in transaction", 2220.0, "SELECT * FROM products")
ADD_COLUMN = StatementReport(
    "ALTER TABLE products\n  ADD COLUMN tags text[]",
    "public.products",
    "ACCESS EXCLUSIVE",
    "reads and writes",
    rewrites=False,
    scans=False,
    blocked_by=(BLOCKER,),
)
INDEX = StatementReport(
    "CREATE INDEX ix ON products (tags)",
    "public.products",
    "SHARE",
    "writes",
    rewrites=False,
    scans=True,
    online=("CREATE INDEX CONCURRENTLY ix ON products (tags)",),
)
RETYPE = StatementReport(
    "ALTER TABLE products ALTER id TYPE bigint",
    "public.products",
    "ACCESS EXCLUSIVE",
    "reads and writes",
    rewrites=True,
    scans=True,
    refused="it rewrites the table",
)


def report(*, problems: tuple[str, ...] = (), pending: int = 3) -> PlanReport:
    return PlanReport(
        plan="product-tags",
        summary="Replace [public.products] legacy_tags by tags",
        path="plans/0002_product_tags.yaml",
        database="embedded:.migrator/pg",
        server_version="15.4",
        steps=(
            StepReport("expand", 1, 1, "revision", "revision 4c1f", "done", True, statements=(ADD_COLUMN, INDEX)),
            StepReport(
                "migrate",
                1,
                2,
                "backfill",
                "backfill products.tags",
                "pending",
                True,
                "",
                1_000_000,
                41.0,
                ("note it",),
            ),
            StepReport("migrate", 2, 2, "gate", "gate", "waiting", True),
            StepReport(
                "contract", 1, 1, "revision", "revision 9b7d", "pending", False, "tags has it", statements=(RETYPE,)
            ),
        ),
        pending=pending,
        requires=("baseline",),
        problems=problems,
    )


def test_the_plan_shows_each_statement_with_its_lock_and_what_blocks_it_now() -> None:
    assert plan.text(report(), Ink()) == (
        "plan product-tags: Replace [public.products] legacy_tags by tags\n"
        "  file      plans/0002_product_tags.yaml\n"
        "  database  embedded:.migrator/pg, PostgreSQL 15.4\n"
        "  requires  baseline\n"
        "\n"
        "expand\n"
        "  1 + revision 4c1f           done, reversible\n"
        "      ALTER TABLE products\n"
        "        ADD COLUMN tags text[]\n"
        "        locks public.products ACCESS EXCLUSIVE, blocks reads and writes\n"
        "        blocked now by pid 48121, application report-runner, idle in transaction for 37 min: "
        "SELECT * FROM products\n"
        "      CREATE INDEX ix ON products (tags)\n"
        "        runs as: CREATE INDEX CONCURRENTLY ix ON products (tags)\n"
        "        locks public.products SHARE, blocks writes; scans the table\n"
        "\n"
        "migrate\n"
        "  1 ~ backfill products.tags  pending, 1,000,000 rows, about 41 s, reversible\n"
        "      note: note it\n"
        "  2 ~ gate                    waiting, reversible\n"
        "\n"
        "contract\n"
        "  1 - revision 9b7d           pending, IRREVERSIBLE: tags has it\n"
        "      ALTER TABLE products ALTER id TYPE bigint\n"
        "        refused: it rewrites the table\n"
        "        locks public.products ACCESS EXCLUSIVE, blocks reads and writes; rewrites the table\n"
        "\n"
        "4 steps, 3 to do. Nothing was changed.\n"
        "next: migrator apply product-tags"
    )


def test_what_would_make_apply_refuse_is_said_before_the_next_command() -> None:
    assert plan.text(report(problems=("revision 9b7d has no downgrade",)), Ink()).endswith(
        "problems: apply would refuse\n"
        "  ! revision 9b7d has no downgrade\n"
        "\n"
        "4 steps, 3 to do. Nothing was changed.\n"
        "correct the problems above, then migrator apply product-tags"
    )


def test_a_complete_plan_asks_for_nothing() -> None:
    assert plan.text(report(pending=0), Ink()).endswith("4 steps, 0 to do. The plan is complete.")


def test_colours_add_nothing_but_colour() -> None:
    coloured = plan.text(report(), Ink(coloured=True))

    assert "\x1b[" in coloured
    assert _without_colour(coloured) == plan.text(report(), Ink())


def test_piped_output_has_no_colour_and_is_not_wrapped(piped: Streams) -> None:
    load("text").answer(plan, report(), piped)

    assert isinstance(piped.out, io.StringIO)
    assert piped.out.getvalue() == plan.text(report(), Ink()) + "\n"


def test_the_json_of_a_plan_has_every_statement(piped: Streams) -> None:
    load("json").answer(plan, report(), piped)

    assert isinstance(piped.out, io.StringIO)
    document = json.loads(piped.out.getvalue())
    assert document["version"] == 1
    assert document["pending"] == 3
    assert document["steps"][0]["statements"][1]["online"] == ["CREATE INDEX CONCURRENTLY ix ON products (tags)"]
    assert document["steps"][0]["statements"][0]["blocked_by"][0]["pid"] == 48121


def _without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
