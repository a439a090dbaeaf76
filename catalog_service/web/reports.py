"""Reports over HTTP."""

from __future__ import annotations

from catalog_service.dto.reports import ReportPage, ReportQuery
from catalog_service.web.api import Api
from catalog_service.web.clients import catalog

api = Api("reports", __name__)


@api.operation("GET", "/reports/products")
def list_product_reports(query: ReportQuery) -> ReportPage:
    """List products in figures, from the read model."""
    return catalog().reports.page(query)
