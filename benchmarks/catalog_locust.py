"""The clients of the catalog service, for locust: what they ask, and what must be true of every answer.

Seeded products are only read, so every answer about them must stay the same to the byte; products of a client's own
are written, and must read as the client wrote them. Every request is a line in the file that `CATALOG_LOAD_LOG` names.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, events, task

from catalog_schema.seed.values import TAGS

OWN_CATEGORY = 1
"""Where clients put products of their own; its list may change, all others may not."""

_OWN = 4
"""Products of its own that each client has at least."""
_SEEDED = int(os.environ.get("CATALOG_LOAD_PRODUCTS", "1000"))
_LOG = Path(os.environ.get("CATALOG_LOAD_LOG", os.devnull)).open("a", buffering=1)  # noqa: SIM115 - until the process ends
_expected: dict[str, Any] = {}
_numbers = itertools.count()


@events.request.add_listener
def _record(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
    error = None if exception is None else str(exception)[:300]
    _LOG.write(json.dumps([time.time(), name, response_time, error]) + "\n")


class Client(FastHttpUser):
    """Somebody who looks at the catalog, and now and then changes something."""

    wait_time = between(0.1, 0.3)

    def on_start(self) -> None:
        self.own: dict[int, dict[str, Any]] = {}
        self.rng = random.Random(next(_numbers))
        for _ in range(_OWN):
            self.add()  # so that the mix of requests is the same from the start

    @task(45)
    def product(self) -> None:
        """A few products are looked at by many, as everywhere."""
        number = min(int(self.rng.paretovariate(0.6)), _SEEDED)
        self._same(f"/v1/products/{number}", "product")

    @task(15)
    def category(self) -> None:
        number = min(OWN_CATEGORY + int(self.rng.paretovariate(0.8)), 600)
        sort = self.rng.choice(("newest", "price"))
        self._same(f"/v1/categories/{number}/products?sort={sort}", "category")

    @task(8)
    def search(self) -> None:
        self._same(f"/v1/search?tag={self.rng.choice(TAGS[:20])}&category={self.rng.randint(2, 40)}", "search")

    @task(8)
    def newest(self) -> None:
        self._get("/v1/products", "newest")

    @task(6)
    def reviews(self) -> None:
        self._same(f"/v1/products/{min(int(self.rng.paretovariate(0.6)), _SEEDED)}/reviews", "reviews")

    @task(5)
    def report(self) -> None:
        # Of one category: for a range of numbers the document store's stand-in reads all there are.
        self._same(f"/v1/reports/products?category={self.rng.randint(2, 40)}", "report")

    @task(6)
    def add(self) -> None:
        wanted = self._any_product()
        with self.client.post("/v1/products", json=wanted, name="add", catch_response=True) as answer:
            if answer.status_code != 201:
                answer.failure(f"{answer.status_code}: {answer.text}")
                return
            number = answer.json()["id"]
            self.own[number] = wanted
        self._own_as_written(number)

    @task(6)
    def replace(self) -> None:
        if not self.own:
            return
        number = self.rng.choice(list(self.own))
        wanted = {**self._any_product(), "sku": self.own[number]["sku"]}
        with self.client.put(f"/v1/products/{number}", json=wanted, name="replace", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text}")
                return
            self.own[number] = wanted
        self._own_as_written(number)

    @task(2)
    def remove(self) -> None:
        if len(self.own) <= _OWN:
            return
        number = next(iter(self.own))
        del self.own[number]
        with self.client.delete(f"/v1/products/{number}", name="remove", catch_response=True) as answer:
            if answer.status_code != 204:
                answer.failure(f"{answer.status_code}: {answer.text}")

    def on_stop(self) -> None:
        for number in self.own:
            self._own_as_written(number, "own at the end")

    def _any_product(self) -> dict[str, Any]:
        return {
            "sku": f"LOAD-{uuid.uuid4().hex}",
            "title": f"Loaded {self.rng.randint(1, 10**6)}",
            "category_id": OWN_CATEGORY,
            "tags": self.rng.choice((None, [], ["load"], ["load", "two"])),
            "price": f"{self.rng.randint(1, 9999)}.{self.rng.randint(10, 99)}",
            "description": self.rng.choice((None, "Some text.")),
        }

    def _own_as_written(self, number: int, name: str = "own") -> None:
        with self.client.get(f"/v1/products/{number}", name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text}")
                return
            found, wanted = answer.json(), self.own[number]
            differing = [key for key in ("title", "tags", "price", "description") if found[key] != wanted[key]]
            if differing:
                answer.failure(f"lost: {[(key, wanted[key], found[key]) for key in differing]}")

    def _same(self, path: str, name: str) -> None:
        with self.client.get(path, name=name, catch_response=True) as answer:
            if answer.status_code not in {200, 404}:
                answer.failure(f"{answer.status_code}: {answer.text}")
                return
            body = answer.json()
            body.pop("request_id", None)
            if body != _expected.setdefault(path, body):
                answer.failure(f"another answer than before: {path}")
            else:
                answer.success()

    def _get(self, path: str, name: str) -> None:
        with self.client.get(path, name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text}")
