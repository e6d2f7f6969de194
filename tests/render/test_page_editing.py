"""Editing in the page: everything follows, and what is copied out can be read again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.render.layer import Layer
from tests.render.page_browser import ENTER, ESCAPE, MISSING
from tests.render.page_layers import LAYERS, conv_layer, pool_layer, results
from tests.render.page_reading import (
    READ,
    canonical,
    choose,
    edit,
    show_all,
    shown_values,
)

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


def test_an_edit_changes_exactly_the_right_cells(opened: Any) -> None:
    layer = LAYERS["batch"]
    browser = opened(layer)
    show_all(browser)
    before = {name: shown_values(browser, name) for name in results(layer)}
    edit(browser, "W", 10, "-7")
    W = np.array(layer.arrays["W"])
    assert W[0, 1, 0, 1] != -7
    W[0, 1, 0, 1] = -7
    edited = Layer(layer.kind, layer.plan, {**layer.arrays, "W": W}, layer.notation)
    flashed = browser.run(
        "return Array.from(document.querySelectorAll('.cell.changed'),"
        "(c) => `${c.dataset.a} ${c.dataset.i}`)"
    )
    expected = set()
    for name, array in results(edited).items():
        values = canonical(edited, name, array).ravel().tolist()
        assert shown_values(browser, name) == values
        expected |= {
            f"{name} {i}"
            for i, (a, b) in enumerate(zip(values, before[name], strict=True))
            if a != b
        }
    assert {cell.split()[0] for cell in expected} == {"Y", "dX"}
    assert set(flashed) == expected | {"W 10"}
    edited_cells = "return Array.from(document.querySelectorAll('.edited'), (c) => c.dataset.i)"
    assert browser.run(edited_cells) == ["10"]
    choose(browser, "contents", "both")
    assert browser.run(edited_cells) == ["10"]
    browser.click("#reset")
    assert {name: shown_values(browser, name) for name in before} == before
    assert browser.console() == []


def test_a_pools_maximum_follows_an_edit(opened: Any) -> None:
    layer = LAYERS["tutorial-pool"]
    browser = opened(layer)
    edit(browser, "X", 0, "99.5")
    X = np.array(layer.arrays["X"], dtype=float)
    X[0, 0] = 99.5
    edited = Layer(layer.kind, layer.plan, {**layer.arrays, "X": X}, layer.notation)
    for name, array in results(edited).items():
        assert shown_values(browser, name) == pytest.approx(array.ravel().tolist(), rel=1e-3)
    assert shown_values(browser, "switches")[0] == 0


def test_what_is_no_number_is_not_taken(opened: Any) -> None:
    browser = opened(LAYERS["slides"])
    before = shown_values(browser, "dX")
    edit(browser, "dY", 0, "-x")
    assert browser.run("return document.querySelector('.cell input').ariaInvalid") == "true"
    assert "is not a number" in browser.run("return document.getElementById('message').textContent")
    browser.keys(ESCAPE)
    assert browser.run("return document.querySelectorAll('.cell input').length") == 0
    assert shown_values(browser, "dX") == before


def test_results_cannot_be_edited(opened: Any) -> None:
    browser = opened(LAYERS["slides"])
    browser.click(".cell[data-a='dX'][data-i='0']")
    browser.keys("5" + ENTER)
    assert browser.run("return document.querySelectorAll('.cell input').length") == 0


@pytest.mark.parametrize(
    "name", ["batch", "groups", "last", "line", "floats", "ties", "average-pad", "pool-leftover"]
)
def test_the_state_copies_as_a_bundle_that_the_command_reads(
    opened: Any, convgrad: Any, name: str
) -> None:
    layer = LAYERS[name]
    browser = opened(layer)
    if name == "batch":
        edit(browser, "dY", 0, "8")
    browser.click("#copy-bundle")
    copied = browser.run("return window.copied")
    bundle = json.loads(copied)
    for array, value in layer.arrays.items():
        expected = np.array(value)
        if (name, array) == ("batch", "dY"):
            expected = expected.copy()
            expected.flat[0] = 8
        assert np.array_equal(np.array(bundle[array]), expected)
        assert np.array(bundle[array]).dtype.kind == expected.dtype.kind
    command = {"conv": "backward"}.get(layer.kind, layer.kind)
    done = convgrad(command, "-", "--json", stdin=copied.encode())
    assert done.returncode == 0, done.stderr
    if name != "batch":
        expected = results(layer)["dX"]
        assert np.allclose(np.array(json.loads(done.stdout)["dX"]), expected)


def test_an_equation_copies_as_latex(opened: Any) -> None:
    layer = LAYERS["recitation-2"]
    browser = opened(layer)
    browser.hover(".result .cell[data-a='dX'][data-i='12']")
    browser.click("#copy-latex")
    writer = Writer(Names(NOTATIONS["recitation"], layer.traced), "latex")
    index = (0, 0, 2, 2)
    symbols = " + ".join(writer.term(term) for term in layer.traced.terms("dX", index))
    assert browser.run("return window.copied") == (
        "\\begin{align*}\n"
        f"  {writer.target('dX', index)} &= {symbols} \\\\\n"
        "  &= 1 \\cdot (-3) + 2 \\cdot 5 + 3 \\cdot 3 + 4 \\cdot 1 \\\\\n"
        "  &= 20\n"
        "\\end{align*}"
    )


def test_numbers_beyond_a_double_are_named(opened: Any) -> None:
    rounding = "return document.getElementById('rounding').hidden"
    assert opened(LAYERS["slides"]).run(rounding) is True
    layer = conv_layer(np.array([[2**53 + 1, 1], [2, 3]]), [[1]], [[1, 1], [1, 1]])
    browser = opened(layer)
    assert browser.run(rounding) is False
    browser.click("#copy-bundle")
    assert json.loads(browser.run("return window.copied"))["X"][0][0] == 2**53 + 1


def test_nonfinite_numbers_pass_through(opened: Any) -> None:
    X = np.array([[np.nan, 1.0], [np.inf, 2.0]])
    browser = opened(pool_layer(X, [[1.0]], window=2))
    found = browser.run(READ, "Y")
    assert list(found.values()) == ["NaN"]
    assert shown_values(browser, "dX") == [1, 0, 0, 0]
