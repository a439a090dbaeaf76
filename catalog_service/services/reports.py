"""Reports: read from the document store, made from SQL; SQL is right whenever they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from catalog_service.cache.breaker import Breaker
from catalog_service.dto.base import BIGGEST_ID
from catalog_service.dto.reports import ProductReport, ReportPage, ReportQuery
from catalog_service.observability.metrics import Metrics
from catalog_service.repositories import figures, outbox
from catalog_service.repositories.documents import Reports, StoreError, differences
from catalog_service.repositories.shape import Shape
from catalog_service.services.cursors import Cursors
from catalog_service.services.errors import UnavailableError
from catalog_service.services.units import Units

_BATCH = 500


class ReportService:
    """The read model: shown, kept up to date, rebuilt and compared."""

    def __init__(self, units: Units, store: Reports | None, cursors: Cursors, metrics: Metrics) -> None:
        self._units = units
        self._store = store
        self._cursors = cursors
        self._metrics = metrics
        self._breaker = Breaker()

    def page(self, query: ReportQuery) -> ReportPage:
        """Return a page of reports."""
        question = {"list": "reports", "category": query.category}
        (after,) = self._cursors.read(question, query.cursor) or [0]
        found = self._find(after, query.limit + 1, query.category)
        shown = found[: query.limit]
        more = self._cursors.make(question, [shown[-1].product_id]) if len(found) > query.limit else None
        return ReportPage(items=tuple(shown), next=more)

    def refresh(self, product_ids: Sequence[int]) -> None:
        """Make the reports on these products anew, and note in the outbox how far they are.

        Reads figures and versions in one snapshot; what is stored is therefore never older than its version.
        """
        store = self._required_store()

        def read(session: Session, shape: Shape) -> tuple[list[ProductReport], dict[int, int]]:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            made = figures.of(session, shape, product_ids, self._units.compared)
            return made, outbox.versions(session, product_ids)

        made, versions = self._units.read(read, fresh=True)
        missing = set(product_ids) - {one.product_id for one in made}
        store.bulk_write(made, {product_id: versions.get(product_id, 0) for product_id in missing})

        def note(session: Session, _: Shape) -> None:
            outbox.published(session, versions)

        self._units.write(note)

    def sweep(self) -> int:
        """Refresh what the outbox still lists; return how many products that were."""
        pending = self._units.read(_pending, fresh=True)
        if pending:
            self.refresh(pending)
        return len(pending)

    def rebuild(self) -> int:
        """Make every report anew, batch by batch, and leave none on a product that is gone; return how many."""
        store = self._required_store()
        store.prepare()
        done = after = 0
        for product_ids in self._batches():
            self.refresh(product_ids)
            self._bury(store, after, product_ids[-1], product_ids)
            after = product_ids[-1]
            done += len(product_ids)
        self._bury(store, after, BIGGEST_ID, [])
        return done

    def reconcile(self) -> list[int]:
        """Return the numbers of products on which the store and SQL disagree."""
        store = self._required_store()
        found: list[int] = []
        after = 0
        for product_ids in self._batches():
            upto = product_ids[-1]
            stored = store.find(after=after, upto=upto)
            found += differences(self._made(product_ids), stored)
            after = upto
        return found + store.find_ids(after=after, upto=BIGGEST_ID)

    def _find(self, after: int, limit: int, category: int | None) -> list[ProductReport]:
        if self._store is not None and self._breaker.closed():
            try:
                return self._store.find(after=after, limit=limit, category=category)
            except StoreError:
                self._breaker.failed()
        self._metrics.report_fallbacks.inc()

        def work(session: Session, shape: Shape) -> list[ProductReport]:
            product_ids = figures.page(session, after, limit, category)
            return figures.of(session, shape, product_ids, self._units.compared)

        return self._units.read(work, fresh=False)

    def _bury(self, store: Reports, after: int, upto: int, alive: Sequence[int]) -> None:
        gone = sorted(set(store.find_ids(after=after, upto=upto)) - set(alive))
        for start in range(0, len(gone), _BATCH):
            self.refresh(gone[start : start + _BATCH])

    def _made(self, product_ids: Sequence[int]) -> list[ProductReport]:
        def work(session: Session, shape: Shape) -> list[ProductReport]:
            return figures.of(session, shape, product_ids, self._units.compared)

        return self._units.read(work, fresh=True)

    def _batches(self) -> Iterator[Sequence[int]]:
        after = 0
        while True:
            product_ids = self._batch(after)
            if not product_ids:
                return
            yield product_ids
            after = product_ids[-1]

    def _batch(self, after: int) -> Sequence[int]:
        def work(session: Session, _: Shape) -> Sequence[int]:
            return figures.page(session, after, _BATCH)

        return self._units.read(work, fresh=True)

    def _required_store(self) -> Reports:
        if self._store is None:
            raise UnavailableError("no document store is configured: set CATALOG_MONGODB_URL")
        return self._store


def _pending(session: Session, _: Shape) -> Sequence[int]:
    return outbox.pending(session, _BATCH)
