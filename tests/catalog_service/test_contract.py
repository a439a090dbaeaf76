"""The OpenAPI document is true: generated requests, valid and not, are answered as it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from catalog_service.app import APIS
from tests.catalog_service.conftest import parts
from tools.servers import LOCAL

OPERATIONS = [(one.method, one.path) for api in APIS for one in api.operations]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_the_document_says(app: Flask, method: str, path: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operation = schema[path][method]
    try:
        cases = operation.as_strategy(generation_mode=mode)
    except Exception as error:  # noqa: BLE001 - there is no request that breaks an operation without parameters
        pytest.skip(str(error))

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def check(case: Any) -> None:
        response = case.call()
        case.validate_response(response, excluded_checks=[checks.positive_data_acceptance])
        if mode is GenerationMode.POSITIVE and response.status_code == 422:
            # What no schema can say: a cursor must be one of ours, a category must exist.
            assert {one["pointer"] for one in response.json()["errors"]} <= {"/cursor", "/category_id"}

    check()
    assert parts(app).sessions.engines["primary"].pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_that_schemathesis_thinks_of_gets_another_answer(served: int, tmp_path: Path) -> None:
    options = ["--max-examples", "100", "--exclude-checks", "positive_data_acceptance", "--no-color"]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", *options]
    url = f"http://{LOCAL}:{served}/openapi.json"
    done = subprocess.run([*command, url], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]


def test_the_document_is_openapi_3_1_and_has_every_view_below_v1(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(served) == sum(len(item) for item in document["paths"].values()) == len(OPERATIONS)
