"""The browser that the page's tests share; it starts with the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from convgrad_cli.render.layer import Layer
from convgrad_cli.render.page import page
from tests.render.page_browser import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a process."""
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """``opened(layer, …)``: the layer's page in the browser, its clipboard within reach."""

    def open_page(layer: Layer, title: str = "a title", **screen: Any) -> Browser:
        path = tmp_path / "page.html"
        path.write_text(page(layer, title=title, notes=["a note"]), encoding="utf-8")
        browser.open(path, **screen)
        browser.run(
            "navigator.clipboard.writeText = (text) => { window.copied = text;"
            "return Promise.resolve(); }"
        )
        return browser

    return open_page
