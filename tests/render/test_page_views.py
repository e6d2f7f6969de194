"""The page's views of dX and dW: scatter and the sliding window, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from convgrad_cli.render.layer import Layer
from tests.render.page_browser import MISSING
from tests.render.page_layers import LAYERS, results
from tests.render.page_reading import (
    canonical,
    choose,
    flat,
    settled,
    show_all,
    shown_values,
)

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.mark.parametrize(
    ("name", "target"),
    [("recitation-2", "dX"), ("groups", "dW"), ("ties", "dX"), ("average", "dX"), ("batch", "dX")],
    ids="-".join,
)
def test_scatter_accumulates_step_by_step(opened: Any, name: str, target: str) -> None:
    layer = LAYERS[name]
    browser = opened(layer)
    show_all(browser)
    choose(browser, "targets", target)
    choose(browser, "views", "scatter")
    role = layer.traced.targets[target]
    sums = np.zeros(layer.traced.frames[role].shape)
    arrays = {k: canonical(layer, k, v) for k, v in layer.arrays.items()}
    contributions: dict[int, list[tuple[tuple[int, ...], float]]] = {}
    for place in product(*map(range, sums.shape)):
        for term in layer.traced.terms(target, place):
            value = float(term.coefficient) * arrays["dY"][term.upstream]
            for factor in term.entries():
                value *= arrays[factor.operand][factor.index]
            contributions.setdefault(flat(layer, "Y", term.upstream), []).append((place, value))
    steps = arrays["dY"].size
    for step in range(steps):
        assert browser.run("return document.getElementById('count').textContent") == (
            f"{step + 1} / {steps}"
        )
        for place, value in contributions.get(step, []):
            sums[place] += value
        if step % max(1, steps // 5) == 0 or step == steps - 1:
            found = shown_values(browser, target)
            assert found == pytest.approx(sums.ravel().tolist(), rel=1e-3, abs=1e-9)
            settled(browser)
            adds = browser.run("return document.querySelectorAll('#equation .term').length")
            assert adds == min(36, len(contributions.get(step, [])))
        browser.run("document.getElementById('forward').click()")
    assert browser.console() == []


MAPS = """
const card = document.querySelector(`#stage .card:nth-of-type(${arguments[0]})`);
return Array.from(card.querySelectorAll(".block"), (block) => {
  const cells = Array.from(block.querySelectorAll(".cell"));
  const cols = Number(block.querySelector(".grid").dataset.cols);
  const frame = block.querySelector(".frame");
  const box = frame.hidden ? null : frame.getBoundingClientRect();
  return { cols, values: cells.map((c) => c.textContent.replace("−", "-")),
    framed: cells.map((c, i) => [c.getBoundingClientRect(), i]).filter(([r]) => box &&
      r.left >= box.left && r.right <= box.right && r.top >= box.top && r.bottom <= box.bottom)
      .map(([, i]) => i),
    used: cells.flatMap((c, i) => (c.matches(".under, [data-p]") ? [i] : [])),
    cropped: cells.flatMap((c, i) => (c.matches(".crop") ? [i] : [])) };
});
"""


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (name, target)
        for name in ("recitation-2", "leftover", "batch", "groups", "line", "uneven")
        for target in ("Y", "dW", "dX")
    ],
    ids="-".join,
)
def test_the_sliding_window_computes_the_value(opened: Any, name: str, target: str) -> None:
    """What the frame covers on the map, times what slides, summed over the planes, is the value."""
    layer = LAYERS[name]
    browser = opened(layer)
    browser.cdp(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-reduced-motion", "value": "reduce"}],
    )
    show_all(browser)
    choose(browser, "targets", target)
    choose(browser, "views", "convolution")
    values = canonical(layer, target, results(layer)[target])
    bias = layer.arrays.get("b") if target == "Y" else None
    seen = 0
    for step in range(0, values.size, max(1, values.size // 5)):
        browser.run(
            "const p = document.getElementById('position');"
            "p.value = arguments[0] + 1; p.dispatchEvent(new Event('input'))",
            step,
        )
        index = np.unravel_index(step, values.shape)
        maps, sliders = browser.run(MAPS, 1), browser.run(MAPS, 2)
        total = 0.0 if bias is None else float(bias[index[1]])
        for map_block, slider in matched(layer, target, index, maps, sliders):
            framed = map_block["framed"]
            assert len(framed) == len(slider["values"])
            assert not set(framed) & set(map_block["cropped"])
            assert set(map_block["used"]) <= set(framed)
            total += sum(
                float(map_block["values"][at]) * float(weight)
                for at, weight in zip(framed, slider["values"], strict=True)
            )
            seen += 1
        assert total == pytest.approx(float(values[index]))
    assert seen
    assert browser.console() == []


def matched(
    layer: Layer, target: str, index: Any, maps: list[Any], sliders: list[Any]
) -> Iterator[tuple[Any, Any]]:
    """The framed maps, each with the plane that slides over it; both stand in canonical order."""
    g = layer.plan.geometry
    framed = [at for at, block in enumerate(maps) if block["framed"]]
    for at in framed:
        if target == "Y":
            c = at % g.in_channels % g.channels_per_group
            yield maps[at], sliders[index[1] * g.channels_per_group + c]
        elif target == "dX":
            c = index[1] % g.channels_per_group
            yield maps[at], sliders[at % g.out_channels * g.channels_per_group + c]
        else:
            yield maps[at], sliders[at // g.in_channels * g.out_channels + index[0]]


def test_play_pause_step_and_speed(opened: Any) -> None:
    browser = opened(LAYERS["recitation-2"])
    choose(browser, "views", "convolution")
    step = "return Number(document.getElementById('position').value)"
    assert browser.run(step) == 1
    browser.click("#forward")
    browser.click("#forward")
    browser.click("#back")
    assert browser.run(step) == 2
    browser.run(
        "const s = document.getElementById('speed');"
        "s.value = 8; s.dispatchEvent(new Event('input'))"
    )
    browser.click("#play")
    assert browser.run("return document.getElementById('play').ariaLabel") == "Pause"
    for _ in range(200):
        if browser.run(step) >= 4:
            break
        browser.frames(3)
    assert browser.run(step) >= 4
    browser.click("#play")
    assert browser.run("return document.getElementById('play').ariaLabel") == "Play"
    stopped = browser.run(step)
    browser.frames(30)
    assert browser.run(step) == stopped
