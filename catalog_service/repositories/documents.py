"""The document store: reports by product number, guarded by versions so that a late writer undoes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pymongo import MongoClient, ReplaceOne
from pymongo.errors import BulkWriteError, PyMongoError

from catalog_service.dto.base import BIGGEST_ID
from catalog_service.dto.reports import ProductReport

_DUPLICATE = 11000
_TIMEOUT_MS = 1000

Document = dict[str, Any]
StoreError = PyMongoError
"""What is raised when the store does not do as it is asked."""


class Reports:
    """The reports of the read model. A product that is gone leaves a tombstone, or a late job could bring it back."""

    def __init__(self, url: str, database: str) -> None:
        self._client: MongoClient[Document] = MongoClient(
            url,
            serverSelectionTimeoutMS=_TIMEOUT_MS,
            connectTimeoutMS=_TIMEOUT_MS,
            socketTimeoutMS=_TIMEOUT_MS * 10,
            connect=False,
        )
        self._collection = self._client[database]["product_reports"]

    def prepare(self) -> None:
        """Create the index that reports by category are found with."""
        self._collection.create_index([("category_id", 1), ("_id", 1)])

    def ping(self) -> None:
        """Ask whether the store is there."""
        self._client.admin.command("ping")

    def get(self, product_id: int) -> ProductReport | None:
        """Return the report on one product."""
        document = self._collection.find_one({"_id": product_id, "gone": False})
        return None if document is None else _report(document)

    def find(
        self, *, after: int, upto: int = BIGGEST_ID, limit: int = 0, category: int | None = None
    ) -> list[ProductReport]:
        """Return reports in the order of product numbers; without a limit, all in the range."""
        wanted: Document = {"_id": {"$gt": after, "$lte": upto}, "gone": False}
        if category is not None:
            wanted["category_id"] = category
        return [_report(one) for one in self._collection.find(wanted).sort("_id", 1).limit(limit)]

    def find_ids(self, *, after: int, upto: int) -> list[int]:
        """Return the numbers of products that there are reports on, in a range."""
        wanted = {"_id": {"$gt": after, "$lte": upto}, "gone": False}
        return [one["_id"] for one in self._collection.find(wanted, projection={"_id": 1})]

    def upsert(self, report: ProductReport) -> None:
        """Store one report, unless there is a newer one."""
        self.bulk_write([report], {})

    def bulk_write(self, reports: Iterable[ProductReport], gone: Mapping[int, int]) -> None:
        """Store reports, and tombstones for the products that are gone by version; what is newer stays."""
        requests = [_replace(report.product_id, report.version, _document(report)) for report in reports]
        requests += [
            _replace(product, version, {"version": version, "gone": True}) for product, version in gone.items()
        ]
        if not requests:
            return
        try:
            self._collection.bulk_write(requests, ordered=False)
        except BulkWriteError as error:
            # The version in the filter did not match, so the store tried to insert beside the newer one.
            if any(one["code"] != _DUPLICATE for one in error.details["writeErrors"]):
                raise

    def clear(self) -> None:
        """Forget everything."""
        self._collection.drop()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _replace(product_id: int, version: int, document: Document) -> ReplaceOne[Document]:
    return ReplaceOne({"_id": product_id, "version": {"$lte": version}}, document, upsert=True)


def _document(report: ProductReport) -> Document:
    return {**report.model_dump(mode="json", exclude={"product_id"}), "gone": False}


def _report(document: Document) -> ProductReport:
    values = {name: value for name, value in document.items() if name not in {"_id", "gone"}}
    try:
        return ProductReport(product_id=document["_id"], **values)
    except ValidationError as error:
        raise StoreError(f"the report on product {document['_id']} cannot be read: rebuild the reports") from error


def differences(expected: Sequence[ProductReport], found: Sequence[ProductReport]) -> list[int]:
    """Return the numbers of products on which two sets of reports disagree."""
    left, right = ({one.product_id: one for one in side} for side in (expected, found))
    return sorted(product for product in left.keys() | right.keys() if left.get(product) != right.get(product))
