"""The page on its screens: nothing overflows, jumps, complains, loads or is hard to read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.render.page_browser import MISSING
from tests.render.page_layers import LAYERS
from tests.render.page_reading import (
    VIEWS,
    choose,
)

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


SCREENS = [(360, 740), (1280, 800), (1920, 1080)]


OVERFLOWS = """
const press = (group, value) => document.querySelector(`#${group} [data-value="${value}"]`).click();
const buttons = (group) => document.querySelectorAll(`#${group} button`);
const values = (group) => Array.from(buttons(group), (button) => button.dataset.value);
const holds = (e) => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
const held = (e) => e !== document.body && (holds(e) || held(e.parentElement));
const wide = [];
let looked = 0;
for (const target of values("targets")) {
  press("targets", target);
  for (const view of values("views")) {
    press("views", view);
    for (const contents of values("contents")) {
      press("contents", contents);
      looked += 1;
      const where = [target, view, contents].join(" ");
      if (document.documentElement.scrollWidth > innerWidth) wide.push(`${where}: the page`);
      for (const e of document.querySelectorAll("body *")) {
        const { width, right } = e.getBoundingClientRect();
        if (width && right > innerWidth + 1 && !held(e.parentElement))
          wide.push(`${where}: ${e.outerHTML.slice(0, 90)}`);
      }
    }
  }
}
return [looked, wide];
"""


@pytest.mark.parametrize("name", ["recitation-2", "batch", "leftover", "ties", "line"])
def test_nothing_overflows_nothing_is_requested_nothing_complains(opened: Any, name: str) -> None:
    """Every target, view and content of cells, at a phone's, a laptop's and a projector's width."""
    layer = LAYERS[name]
    for dark, (width, height) in zip((False, True, False), SCREENS, strict=True):
        browser = opened(layer, width=width, height=height, dark=dark)
        assert browser.run(OVERFLOWS) == [9 if layer.kind != "conv" else 27, []], width
        requested = [address for address in browser.requests() if not address.startswith("data:")]
        assert len(requested) == 1
        assert requested[0].startswith("file://")
        assert browser.console() == []


def test_hostile_titles_stay_text(opened: Any) -> None:
    title = "</script><script>window.hostile=1</script><img src=x onerror='window.hostile=1'>"
    browser = opened(LAYERS["slides"], title=title)
    assert browser.run("return window.hostile === undefined")
    assert browser.run("return document.querySelector('h1').textContent") == title
    assert browser.run("return document.title") == title
    assert browser.run("return document.querySelectorAll('script').length") == 2
    assert browser.console() == []


def test_the_layout_does_not_jump(opened: Any) -> None:
    """Whatever is pointed at, every card and the dock stay where they are."""
    browser = opened(LAYERS["leftover"])
    places = (
        "return Array.from(document.querySelectorAll('.card, #dock, .bar > *, header'), (e) => {"
        "const r = e.getBoundingClientRect(); return [r.x, r.y + scrollY, r.width, r.height]; })"
    )
    first = None
    for name, at in (("dX", 0), ("dX", 40), ("dW", 3), ("Y", 1), ("X", 71), ("dY", 2), ("db", 0)):
        cell = f".cell[data-a='{name}'][data-i='{at}']"
        browser.run(
            "document.querySelector(arguments[0]).dispatchEvent(new PointerEvent('pointerover',"
            "{bubbles: true, pointerType: 'mouse'}))",
            cell,
        )
        browser.frames(2)
        found = browser.run(places)
        first = first or found
        assert found == first, cell


CONTRAST = """
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
const pen = canvas.getContext("2d", { willReadFrequently: true });
const paint = (colours) => {
  pen.clearRect(0, 0, 1, 1);
  for (const c of colours) { pen.fillStyle = c; pen.fillRect(0, 0, 1, 1); }
  return Array.from(pen.getImageData(0, 0, 1, 1).data).slice(0, 3);
};
const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const poor = [], seen = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  const style = getComputedStyle(e);
  const silent = e.matches("script, style, noscript, option");
  if (silent || !walker.currentNode.textContent.trim()) continue;
  if (!e.getClientRects().length || style.fontSize === "0px") continue;
  const grounds = [];
  for (let a = e; a; a = a.parentElement) grounds.unshift(getComputedStyle(a).backgroundColor);
  const key = [style.color, ...grounds].join();
  if (seen.has(key)) continue;
  seen.add(key);
  const a = light(paint(grounds)), b = light(paint([...grounds, style.color]));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
    poor.push([e.outerHTML.slice(0, 80), ratio.toFixed(2)]);
}
return poor.concat(seen.size > 9 ? [] : [["too little was looked at", seen.size]]);
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["recitation-1", "floats", "leftover", "ties"])
def test_text_has_contrast(opened: Any, name: str, dark: bool) -> None:
    """AA for every text on the page, pairs of all eight colours among them."""
    browser = opened(LAYERS[name], dark=dark)
    browser.cdp(
        "Emulation.setEmulatedMedia",
        features=[
            {"name": "prefers-reduced-motion", "value": "reduce"},
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        ],
    )
    for view in browser.run(VIEWS):
        choose(browser, "views", view)
        assert browser.run(CONTRAST) == []
    choose(browser, "views", "gather")
    browser.hover(".cell[data-a='X'][data-i='4']")
    assert browser.run(CONTRAST) == []
    choose(browser, "contents", "both")
    assert browser.run(CONTRAST) == []


def test_light_and_dark_can_be_chosen(opened: Any) -> None:
    browser = opened(LAYERS["slides"])
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.click("#theme")
    dark = browser.run(ground)
    assert light != dark
    browser.click("#theme")
    assert browser.run(ground) == light
