"""The commands below `flask catalog`."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from catalog_service.catalog import Catalog
from catalog_service.repositories import own_tables
from catalog_service.repositories.shape import MODES, MOVES, Mode

group = AppGroup("catalog", help="Look after the catalog service.")


def _catalog() -> Catalog:
    found: Catalog = current_app.extensions["catalog"]
    return found


@group.command("init")
def init() -> None:
    """Create the service's own tables and the index of the document store, where they are missing."""
    catalog = _catalog()
    own_tables.create(catalog.sessions.engines["primary"])
    if catalog.store is not None:
        catalog.store.prepare()


@group.command("readers")
@click.argument("move", type=click.Choice(list(MOVES)), required=False)
@click.argument("mode", type=click.Choice(MODES), required=False)
def readers(move: str | None, mode: Mode | None) -> None:
    """Show which column is read for each value, or have another one read: `flask catalog readers tags both`."""
    catalog = _catalog()
    if move is not None and mode is not None:
        catalog.flags.switch(move, mode)
    shape = catalog.flags.look_again()
    for name, wanted in catalog.flags.wanted().items():
        click.echo(f"{name:<12} wanted {wanted:<5} reads {getattr(shape, name)}")


@group.command("rebuild-report")
def rebuild_report() -> None:
    """Make the read model anew from SQL."""
    click.echo(f"{_catalog().reports.rebuild()} reports made")


@group.command("reconcile")
def reconcile() -> None:
    """Compare the read model with SQL; ends with 1 where they differ."""
    differing = _catalog().reports.reconcile()
    click.echo(f"{len(differing)} differences")
    for product_id in differing[:20]:
        click.echo(f"  product {product_id}")
    if differing:
        raise SystemExit(1)


@group.command("backfill")
@click.argument("plan")
def backfill(plan: str) -> None:
    """Have a worker run the backfill of a plan."""
    if not _catalog().queue.backfill(plan):
        raise click.ClickException("the broker did not take the job: check CATALOG_REDIS_URL and try again")
    click.echo(f"the backfill of {plan} is queued")
