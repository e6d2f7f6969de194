"""Pointing in the page: what lights up, and its equation, are what Python says."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.render.layer import Layer
from tests.render.page_browser import DOWN, END, ENTER, MISSING, RIGHT
from tests.render.page_layers import LAYERS, conv_layer, integers, results
from tests.render.page_reading import (
    LIT,
    canonical,
    expected_terms,
    flat,
    number,
    read_equation,
    show_all,
    shown_values,
)

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.mark.parametrize("name", LAYERS)
def test_results_are_those_of_the_numeric_layers(opened: Any, name: str) -> None:
    layer = LAYERS[name]
    browser = opened(layer)
    show_all(browser)
    for array, expected in results(layer).items():
        values = canonical(layer, array, expected).ravel().tolist()
        assert shown_values(browser, array) == pytest.approx(values, rel=1e-3, abs=1e-12)
        if expected.dtype.kind == "i":
            assert shown_values(browser, array) == values
    assert browser.console() == []


POINTED = [
    (name, target)
    for name, targets in (
        ("slides", ("Y", "dX", "dW", "db")),
        ("recitation-2", ("dX", "dW")),
        ("tutorial-conv", ("dX",)),
        ("batch", ("dX", "dW", "Y", "db")),
        ("leftover", ("dX",)),
        ("groups", ("dX", "dW")),
        ("line", ("dX", "Y")),
        ("space", ("dX", "dW")),
        ("last", ("dX", "dW")),
        ("tutorial-pool", ("dX",)),
        ("ties", ("dX",)),
        ("ties-last", ("dX",)),
        ("average", ("dX", "Y")),
    )
    for target in targets
]


@pytest.mark.parametrize(("name", "target"), POINTED, ids=str)
def test_pointing_at_a_result_shows_the_tracers_equation(
    opened: Any, name: str, target: str
) -> None:
    """For several elements each: left side, terms, value; the partners lit pairwise."""
    layer = LAYERS[name]
    browser = opened(layer)
    show_all(browser)
    traced = layer.traced
    shape = traced.frames[traced.targets[target]].shape
    values = canonical(layer, target, results(layer)[target])
    places = list(product(*map(range, shape)))
    for index in places[:: max(1, len(places) // 6)]:
        at = flat(layer, traced.targets[target], index)
        browser.hover(f".result .cell[data-a='{target}'][data-i='{at}']")
        terms = list(traced.terms(target, index))
        expected = expected_terms(layer, layer.notation.name, target, index)
        assert read_equation(browser)[: len(expected)] == expected
        value = browser.run("return document.querySelector('#equation .value').textContent")
        assert number(value.strip("=")) == pytest.approx(float(values[index]), rel=1e-5)
        lit = {(a, i): t for a, i, _, t in browser.run(LIT)}
        partners = {}
        for t, term in enumerate(terms):
            if term.upstream is not None:
                partners["dY", flat(layer, "Y", term.upstream)] = t + 1
            for factor in term.entries():
                partners[factor.operand, flat(layer, factor.operand, factor.index)] = t + 1
        assert set(lit) == set(partners)
        if len(terms) > 1:
            assert lit == partners
    assert browser.console() == []


def test_a_maximum_names_its_members_ties_and_argmax(opened: Any) -> None:
    browser = opened(LAYERS["ties"])
    browser.hover(".cell[data-a='Y'][data-i='0']")
    assert read_equation(browser) == ["O11", "X11", "X12", "X21", "X22"]
    text = browser.run("return document.getElementById('equation').textContent")
    assert "=max{1,5,5,0}=5" in text.replace(" ", "")
    assert "2 equal maxima, they share the gradient" in browser.run(
        "return document.getElementById('subject').textContent"
    )
    kinds = "return Array.from(document.querySelectorAll(`.${arguments[0]}`), (c) => c.dataset.i)"
    assert browser.run(kinds, "tied") == browser.run(kinds, "best") == ["1", "4"]
    browser.hover(".cell[data-a='dX'][data-i='0']")
    subject = browser.run("return document.getElementById('subject').textContent")
    assert "in 1 window, the maximum of none" in subject


def test_pointing_at_a_given_cell_lights_everything_it_influences(opened: Any) -> None:
    layer = LAYERS["groups"]
    browser = opened(layer)
    show_all(browser)
    for name, others in (("X", ("Y", "dW")), ("W", ("Y", "dX")), ("dY", ("dX", "dW", "db"))):
        role = "Y" if name == "dY" else name
        index = tuple(size // 2 for size in layer.traced.frames[role].shape)
        browser.hover(f".cell[data-a='{name}'][data-i='{flat(layer, role, index)}']")
        lit = {(a, i) for a, i, _, _ in browser.run(LIT)}
        for target in others:
            of = layer.traced.targets[target]
            touched = set()
            for place in product(*map(range, layer.traced.frames[of].shape)):
                for term in layer.traced.terms(target, place):
                    entries = {(f.operand, f.index) for f in term.entries()}
                    if (name, index) in entries or (name == "dY" and term.upstream == index):
                        touched.add((target, flat(layer, of, place)))
            assert touched
            assert {pair for pair in lit if pair[0] == target} == touched


def test_the_partners_of_what_is_influenced_share_a_colour(opened: Any) -> None:
    """X[x] goes into Y[y] by W[w]: x lights y, w, and behind them dY[y] and dW[w], as one pair."""
    layer = LAYERS["recitation-2"]
    browser = opened(layer)
    browser.hover(".cell[data-a='X'][data-i='12']")
    lit = {(a, i): (p, t) for a, i, p, t in browser.run(LIT)}
    taps = [
        (flat(layer, "Y", index), flat(layer, "W", term.filter))
        for index in product(*map(range, layer.traced.frames["Y"].shape))
        for term in layer.traced.terms("Y", index)
        if term.index == (0, 0, 2, 2)
    ]
    assert len(taps) == 4
    for tap, (y, w) in enumerate(taps):
        together = {lit["Y", y], lit["dY", y], lit["W", w], lit["dW", w]}
        assert together == {(tap, tap + 1)}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_can_be_chosen(opened: Any, notation: str) -> None:
    layer = LAYERS["recitation-2"]
    browser = opened(layer)
    browser.run(
        "const s = document.getElementById('notation');"
        "s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
        notation,
    )
    browser.hover(".result .cell[data-a='dX'][data-i='12']")
    expected = expected_terms(layer, notation, "dX", (0, 0, 2, 2))
    assert read_equation(browser)[: len(expected)] == expected


def test_the_keyboard_reaches_every_cell(opened: Any) -> None:
    layer = LAYERS["recitation-2"]
    browser = opened(layer)
    grid = "document.querySelector(\"[data-card='dX'] .grid\")"
    assert browser.run(f"return {grid}.querySelectorAll('[tabindex=\"0\"]').length") == 1
    browser.run(f"{grid}.querySelector('[tabindex=\"0\"]').focus()")
    browser.keys(DOWN + DOWN + RIGHT + RIGHT)
    assert browser.run("return document.activeElement.dataset.i") == "12"
    assert read_equation(browser)[:5] == expected_terms(layer, "recitation", "dX", (0, 0, 2, 2))
    browser.keys(END + RIGHT)
    assert browser.run("return document.activeElement.dataset.i") == "14"
    assert browser.run(f"return {grid}.querySelectorAll('[tabindex=\"0\"]').length") == 1
    spoken = "return document.getElementById('spoken').textContent"
    for _ in range(100):
        if "∂L/∂x24" in browser.run(spoken):
            break
        browser.frames(3)
    assert browser.run(spoken) == "∂L/∂x24 = ∂L/∂y01·f22 + ∂L/∂y11·f02 = 2·(−3) + 4·3 = 6"


def test_cells_have_roles_and_names(opened: Any) -> None:
    browser = opened(LAYERS["leftover"])
    roles = browser.run(
        "const g = document.querySelector(\"[data-card='X'] .grid\");"
        "const r = g.querySelectorAll(\"[role='row']\");"
        "return [g.getAttribute('role'), g.getAttribute('aria-label'), g.ariaRowCount, r.length,"
        "r[2].children[3].getAttribute('role'), r[2].ariaRowIndex, r[2].children[3].ariaColIndex]"
    )
    assert roles == ["grid", "X", "8", 8, "gridcell", "3", "4"]
    unnamed = browser.run(
        "return Array.from(document.querySelectorAll('button, input, select'), (e) => e)"
        ".filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))"
        ".map((e) => e.id)"
    )
    assert unnamed == []


def test_a_fine_grid_answers_to_pointer_keyboard_and_edits(opened: Any) -> None:
    X, W = integers(64, 64), integers(3, 3)
    layer = conv_layer(X, W, padding=1)
    browser = opened(layer)
    x, y = browser.run(
        "const c = document.querySelector(\"[data-card='dX'] canvas\");"
        "c.scrollIntoView({block: 'center'}); const r = c.getBoundingClientRect();"
        "return [r.left + r.width / 64 * 20.5, r.top + r.height / 64 * 30.5]"
    )
    browser.cdp("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    browser.frames(2)
    expected = expected_terms(layer, "slides", "dX", (0, 0, 30, 20))
    assert read_equation(browser) == expected
    browser.run("document.querySelector(\"[data-card='dX'] .cursor\").focus()")
    browser.keys(DOWN + RIGHT)
    assert read_equation(browser) == expected_terms(layer, "slides", "dX", (0, 0, 31, 21))
    cursor = "return document.querySelector(\"[data-card='dX'] .cursor\").textContent"
    dX = results(layer)["dX"]
    assert number(browser.run(cursor)) == dX[31, 21]
    browser.run("document.querySelector(\"[data-card='dY'] .cursor\").focus()")
    browser.keys(DOWN + "77" + ENTER)
    dY = np.array(layer.arrays["dY"])
    dY[1, 0] = 77
    edited = results(Layer("conv", layer.plan, {**layer.arrays, "dY": dY}, layer.notation))
    assert shown_values(browser, "dW") == edited["dW"].ravel().tolist()
    assert browser.console() == []


def test_planes_are_chosen_within_their_group(opened: Any) -> None:
    browser = opened(LAYERS["groups"])
    browser.run("const all = document.getElementById('all'); if (all && all.checked) all.click()")
    browser.click("[data-key='k'] [data-value='4']")
    shown = "return Array.from(document.querySelectorAll('.plane'), (p) => p.textContent)"
    labels = set(browser.run(shown))
    assert labels == {"sample 0, channel 2", "filter 4, channel 0", "sample 0, filter 4"}
    browser.click("[data-key='n'] [data-value='1']")
    browser.click("[data-key='c'] [data-value='1']")
    labels = set(browser.run(shown))
    assert labels == {"sample 1, channel 1", "filter 0, channel 1", "sample 1, filter 0"}
    lit = "return Array.from(document.querySelectorAll('#planes .lit'), (b) => b.dataset.value)"
    browser.hover(".cell[data-a='dX'][data-i='137']")
    assert len(browser.run(lit)) >= 3


@pytest.mark.parametrize("name", ["leftover", "pool-leftover"])
def test_what_no_window_reaches_is_grey_with_the_reason(opened: Any, name: str) -> None:
    layer = LAYERS[name]
    browser = opened(layer)
    show_all(browser)
    axes = layer.plan.geometry.axes
    places = product(*map(range, layer.traced.frames["X"].shape))
    expected = {
        flat(layer, "X", index)
        for index in places
        if any(x in axis.unreached for x, axis in zip(index[2:], axes, strict=True))
    }
    assert expected
    grey = (
        "return Array.from(document.querySelectorAll(`.unreached[data-a='${arguments[0]}']`),"
        "(c) => [Number(c.dataset.i), c.title])"
    )
    for array in ("X", "dX"):
        found = dict(browser.run(grey, array))
        assert set(found) == expected
        assert all("so no output sees it" in reason for reason in found.values())
        browser.hover(f".cell[data-a='{array}'][data-i='{max(expected)}']")
        assert "so no output sees it" in browser.run(
            "return document.getElementById('equation').textContent"
        )


def test_pointing_at_a_term_brings_its_cells_forward(opened: Any) -> None:
    browser = opened(LAYERS["recitation-2"])
    browser.hover(".result .cell[data-a='dX'][data-i='12']")
    browser.hover("#equation .right .step:nth-child(2) .term")
    forward = "return Array.from(document.querySelectorAll('.emphasis'), (c) => c.dataset.a)"
    assert sorted(browser.run(forward)) == ["W", "dY"]
    places = "return Array.from(document.querySelectorAll('.emphasis'), (c) => c.dataset.i)"
    assert sorted(browser.run(places)) == ["1", "6"]
    browser.hover("h1")
    assert browser.run(forward) == []
