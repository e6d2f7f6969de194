"""Reading a page in the browser, and what Python expects to be read."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np

from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.render.layer import Layer
from tests.render.page_browser import ENTER, Browser

READ = """
const grids = {};
for (const cell of document.querySelectorAll(`.result .cell[data-a="${arguments[0]}"]`))
  grids[cell.dataset.i] = cell.querySelector(".num").textContent;
return grids;
"""


LIT = """
return Array.from(document.querySelectorAll(".cell[data-p]"), (cell) =>
  [cell.dataset.a, Number(cell.dataset.i), Number(cell.dataset.p), Number(cell.dataset.t || 0)]);
"""


def choose(browser: Browser, group: str, value: str) -> None:
    browser.click(f"#{group} [data-value='{value}']")


def show_all(browser: Browser) -> None:
    """All planes, where there are several."""
    browser.run("const all = document.getElementById('all'); if (all && !all.checked) all.click()")


def text_of(mathml: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", mathml))


def flat(layer: Layer, role: str, index: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, layer.traced.frames[role].shape))


def canonical(layer: Layer, name: str, array: Any) -> Any:
    layouts = {"X": layer.plan.X, "Y": layer.plan.Y, "switches": layer.plan.Y}
    if layer.kind == "conv":
        layouts["W"] = layer.plan.W
    layout = layouts.get(name.removeprefix("d"))
    return array if layout is None else layout.to_canonical(array)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def shown_values(browser: Browser, name: str) -> list[float]:
    found = browser.run(READ, name)
    return [number(found[key]) for key in sorted(found, key=int)]


def expected_terms(layer: Layer, notation: str, target: str, index: tuple[int, ...]) -> list[str]:
    writer = Writer(Names(NOTATIONS[notation], layer.traced), "mathml")
    terms = [text_of(writer.term(term)) for term in layer.traced.terms(target, index)]
    return [text_of(writer.target(target, index)), *terms]


def settled(browser: Browser) -> None:
    """Wait until the equation is whole: a long one comes a few terms a frame."""
    for _ in range(200):
        if not browser.run("return document.getElementById('equation').ariaBusy"):
            return
        browser.frames(1)
    raise AssertionError("the equation is never whole")


def read_equation(browser: Browser) -> list[str]:
    settled(browser)
    return browser.run(
        "const text = (e) => e.textContent;"
        "return [document.querySelector('#equation .left').textContent, ...Array.from("
        "document.querySelector('#equation .right').querySelectorAll('.term'), text)]"
    )


def edit(browser: Browser, name: str, place: int, text: str) -> None:
    """Type a number into a cell, as a person does."""
    browser.click(f"[data-card='{name}'] .cell[data-a='{name}'][data-i='{place}']")
    browser.keys(text[0])
    browser.keys(text[1:] + ENTER)


VIEWS = "return Array.from(document.querySelectorAll('#views button'), (b) => b.dataset.value)"
