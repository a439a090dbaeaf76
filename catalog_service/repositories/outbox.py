"""The outbox: which products the read model has yet to learn about, and the version of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog_service.repositories.own_tables import outbox


def changed(session: Session, product_id: int) -> int:
    """Note, as part of the transaction that changes it, that a product has another version; return that.

    Last in its transaction: the row is locked until then, and always after the product's own.
    """
    statement = insert(outbox).values(product_id=product_id, version=1)
    statement = statement.on_conflict_do_update(
        index_elements=["product_id"], set_={"version": outbox.c.version + 1, "changed_at": func.now()}
    )
    version: int = session.execute(statement.returning(outbox.c.version)).scalar_one()
    return version


def versions(session: Session, product_ids: Sequence[int]) -> dict[int, int]:
    """Return the versions of those products that the service has written."""
    statement = select(outbox.c.product_id, outbox.c.version).where(outbox.c.product_id.in_(product_ids))
    return {row.product_id: row.version for row in session.execute(statement)}


def pending(session: Session, limit: int) -> Sequence[int]:
    """Return products that the read model lags behind on, longest first."""
    statement = select(outbox.c.product_id).where(outbox.c.version > outbox.c.published)
    return session.scalars(statement.order_by(outbox.c.changed_at).limit(limit)).all()


def published(session: Session, reached: Mapping[int, int]) -> None:
    """Note which version of each product the read model has."""
    for product_id, version in sorted(reached.items()):
        session.execute(
            update(outbox)
            .where(outbox.c.product_id == product_id, outbox.c.published < version)
            .values(published=version)
        )
