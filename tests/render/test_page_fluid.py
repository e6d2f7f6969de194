"""What keeps the page fluid at 64×64: pictures instead of thousands of cells, one answer a frame,
long equations a few terms at a time. Nothing here is timed."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.render.page_browser import MISSING, Browser
from tests.render.page_layers import conv_layer, integers
from tests.render.page_reading import flat, read_equation, settled

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

LARGE = conv_layer(integers(2, 64, 64), integers(2, 2, 3, 3), padding=1, b=integers(2))

TONES = """
const found = {};
for (const card of document.querySelectorAll(".card")) {
  const canvas = card.querySelector("canvas.tones");
  if (!canvas) continue;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  found[card.dataset.card] = Array.from(new Uint32Array(data.buffer));
}
return found;
"""
POINT = """
const [name, places] = arguments;
const canvas = document.querySelector(`[data-card='${name}'] canvas.tones`);
const { left, top, width, height } = canvas.getBoundingClientRect();
for (const place of places) {
  const x = left + ((place % canvas.width) + 0.5) * width / canvas.width;
  const y = top + (Math.floor(place / canvas.width) + 0.5) * height / canvas.height;
  canvas.dispatchEvent(new PointerEvent("pointermove",
    { bubbles: true, pointerType: "mouse", clientX: x, clientY: y }));
}
"""


def changed(before: dict[str, list[int]], after: dict[str, list[int]]) -> dict[str, set[int]]:
    """The places of each fine grid whose colour is another."""
    return {
        name: {at for at, (a, b) in enumerate(zip(before[name], tones, strict=True)) if a != b}
        for name, tones in after.items()
    }


def test_a_filters_influence_is_painted_where_the_tracer_says(opened: Any) -> None:
    """W[0,0,1,2] goes into Y by X, and into dX by dY: first planes, which are on the stage."""
    browser = opened(LARGE)
    browser.hover("h1")
    browser.run("document.querySelector(\"[data-card='b'] .cell\").focus()")
    marked = browser.run(TONES)
    browser.hover("[data-card='W'] .cell[data-i='5']")
    settled(browser)
    lit = changed(marked, browser.run(TONES))
    places = list(product([0], [0], range(64), range(64)))
    entry = ("W", (0, 0, 1, 2))
    used: dict[str, set[int]] = {"Y": set(), "dX": set(), "X": set(), "dY": set()}
    for target in ("Y", "dX"):
        role = LARGE.traced.targets[target]
        for place in places:
            for term in LARGE.traced.terms(target, place):
                if entry in {(f.operand, f.index) for f in term.entries()}:
                    used[target].add(flat(LARGE, role, place))
                    for factor in term.entries():
                        if factor.operand == "X":
                            used["X"].add(flat(LARGE, "X", factor.index))
                    if term.upstream is not None:
                        used["dY"].add(flat(LARGE, "Y", term.upstream))
    # Not Y: b[0] had lit all of it in one colour, and a pair of that very colour is no change.
    for name in ("dX", "X", "dY"):
        assert lit[name] == used[name], name


def test_pointing_at_a_filter_touches_few_elements(opened: Any) -> None:
    """It lights 16,000 places, in pictures; a change of style in as many cells would be felt."""
    browser = opened(LARGE)
    browser.hover("[data-card='W'] .cell[data-i='4']")
    settled(browser)
    browser.run(
        "window.touched = 0; new MutationObserver((all) => { window.touched += all.length; })"
        ".observe(document.getElementById('stage'),"
        "{subtree: true, childList: true, attributes: true, characterData: true})"
    )
    browser.hover("[data-card='W'] .cell[data-i='5']")
    settled(browser)
    assert 0 < browser.run("return window.touched") < 60


def test_a_frame_answers_the_newest_pointer_position_only(opened: Any) -> None:
    browser = opened(LARGE)
    browser.run("document.querySelector(\"[data-card='X']\").scrollIntoView()")
    browser.run(
        "window.answers = []; new MutationObserver((all) => window.answers.push("
        "...all.map(() => document.getElementById('subject').textContent)))"
        ".observe(document.getElementById('subject'), {childList: true})"
    )
    browser.run(POINT, "X", [64 * 20 + at for at in range(40)])
    browser.frames(3)
    answers = browser.run("return window.answers")
    assert len(answers) == 1
    assert answers[0].startswith("X[0, 20, 39] = ")


def terms_shown(browser: Browser) -> int:
    found: int = browser.run("return document.querySelectorAll('#equation .term').length")
    return found


def test_a_long_equation_comes_whole_and_in_order(opened: Any) -> None:
    """db has 4,096 terms: 36 are shown in both lines, and said how many more there are."""
    browser = opened(LARGE)
    browser.hover("[data-card='db'] .cell[data-i='1']")
    equation = read_equation(browser)
    assert terms_shown(browser) == 72
    numbers = browser.run(
        "return Array.from(document.querySelectorAll('#equation .term'), (t) => t.dataset.t)"
    )
    assert numbers == [str(t) for t in range(1, 37)] * 2
    assert len(set(equation[1:])) == 36
    text = browser.run("return document.getElementById('equation').textContent")
    assert text.count("and 4060 more terms") == 2


def test_what_is_pointed_at_next_ends_the_filling_of_the_last(opened: Any) -> None:
    browser = opened(LARGE)
    browser.run(
        "for (const at of [0, 1]) document.querySelector(`[data-card='db'] .cell[data-i='${at}']`)"
        ".focus(); document.querySelector(\"[data-card='W'] .cell[data-i='4']\").focus()"
    )
    settled(browser)
    browser.frames(12)
    lines = browser.run(
        "return Array.from(document.querySelectorAll('#equation .right'),"
        "(line) => line.querySelectorAll('.term').length)"
    )
    assert lines == [36, 36]
    assert "into Y" in browser.run("return document.getElementById('equation').textContent")


WASHED = """
const canvas = document.querySelector(`[data-card='${arguments[0]}'] canvas.wash`);
const { left, top, width, height } = canvas.getBoundingClientRect();
const pen = canvas.getContext("2d");
return Array.from(canvas.closest(".grid").querySelectorAll(".cell"), (cell) => {
  const box = cell.getBoundingClientRect();
  const x = ((box.left + 3 - left) * canvas.width) / width;
  const y = ((box.top + box.height / 2 - top) * canvas.height) / height;
  return [Number(cell.dataset.i), pen.getImageData(x, y, 1, 1).data.join()];
});
"""


def test_small_cells_have_their_colours_in_a_picture_behind_them(opened: Any) -> None:
    """W[0, 1] at 20x20: X and Y of one product share a colour, other cells have none."""
    layer = conv_layer(integers(20, 20), integers(3, 3), padding=1)
    browser = opened(layer)
    browser.hover("[data-card='W'] .cell[data-i='1']")
    settled(browser)
    X, Y = (dict(browser.run(WASHED, name)) for name in ("X", "Y"))
    assert browser.run("return document.querySelectorAll('.washed [data-p]').length") == 0
    pairs = {}
    for index in product([0], [0], range(20), range(20)):
        for term in layer.traced.terms("Y", index):
            entries = {f.operand: f.index for f in term.entries()}
            if entries["W"] == (0, 0, 0, 1):
                pairs[flat(layer, "X", entries["X"])] = flat(layer, "Y", index)
    assert len(pairs) == 380
    assert all(X[x] == Y[y] for x, y in pairs.items())
    plain = {X[x] for x in X if x not in pairs}
    assert plain == {Y[y] for y in Y if y not in pairs.values()}
    assert len(plain) == 1
    assert len({X[x] for x in pairs}) == 8
    assert not plain & {X[x] for x in pairs}
