"""The pages for people, as a real browser shows them; where one is installed."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def shown(page: str, profile: Path) -> str:
    """Return the page as the browser has understood it."""
    assert BROWSER
    # A profile of its own, and no sandbox: the tests may run as root.
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
    return subprocess.run([BROWSER, *options, page], capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_visitor_goes_from_the_list_to_a_product_and_by_a_tag_back(address: str, tmp_path: Path) -> None:
    listed = shown(f"{address}/", tmp_path)
    assert "<script" not in listed
    assert re.findall('<label for="(.*?)"', listed) == re.findall('<(?:select|input) id="(.*?)"', listed)
    assert re.search('<body>\\s*<a class="skip" href="#content">', listed)
    products = re.findall('<th scope="row"><a href="(.*?)">(.*?)</a>', listed)
    assert products
    path, title = products[0]
    assert f"<h1>{title}</h1>" in shown(f"{address}{path}", tmp_path)
    tag = html.unescape(re.findall('href="(/\\?tag=.*?)"', listed)[0])
    tagged = shown(f"{address}{tag}", tmp_path)
    found = re.findall('<th scope="row">', tagged)
    assert 1 <= len(found) <= len(products)
    assert f'href="{html.escape(tag)}"' in tagged
