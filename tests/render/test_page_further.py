"""Transposed convolutions, upsampling and activations in the page: values, equations, edits."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from itertools import product
from typing import Any

import numpy as np
import pytest

from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.layers import activation
from convgrad_cli.render.layer import Layer
from tests.render.page_browser import MISSING, Browser
from tests.render.page_layers import FURTHER, results
from tests.render.page_reading import (
    LIT,
    choose,
    edit,
    flat,
    number,
    read_equation,
    settled,
    show_all,
    shown_values,
    text_of,
)

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


def canonical(layer: Layer, name: str, array: Any) -> Any:
    if name in ("b", "db"):
        return array
    of = {"X": layer.plan.X, "W": getattr(layer.plan, "W", None)}
    return of.get(name.removeprefix("d"), layer.plan.Y).to_canonical(array)


@pytest.mark.parametrize("name", FURTHER)
def test_results_are_those_of_the_numeric_layers(opened: Any, name: str) -> None:
    layer = FURTHER[name]
    browser = opened(layer)
    show_all(browser)
    for array, expected in results(layer).items():
        values = canonical(layer, array, expected).ravel().tolist()
        assert shown_values(browser, array) == pytest.approx(values, rel=1e-3, abs=5e-6), array
    assert browser.console() == []


def traced_of(layer: Layer, target: str) -> Any:
    """The activation's tracer for A and dY, else the layer's."""
    own = layer.activation is not None and target in ("A", "dY")
    return layer.pointwise.traced if own else layer.traced


def terms_of(layer: Layer, target: str, index: tuple[int, ...]) -> list[str]:
    traced = traced_of(layer, target)
    writer = Writer(Names(layer.notation, traced), "mathml")
    terms = [text_of(writer.term(term)) for term in traced.terms(target, index)]
    return [text_of(writer.target(target, index)), *terms]


POINTED = [
    (name, target)
    for name, targets in (
        ("transposed", ("Y", "dX", "dW", "db")),
        ("transposed-groups", ("Y", "dX", "dW")),
        ("transposed-surplus", ("Y", "dX")),
        ("transposed-line", ("Y", "dX", "dW")),
        ("upsample", ("Y", "dX")),
        ("upsample-zeros", ("Y", "dX")),
        ("gelu", ("A", "dY")),
        ("leaky", ("A", "dY")),
        ("conv-relu", ("Y", "A", "dY", "dX", "dW", "db")),
    )
    for target in targets
]


@pytest.mark.parametrize(("name", "target"), POINTED, ids=str)
def test_pointing_at_a_result_shows_the_tracers_equation(
    opened: Any, name: str, target: str
) -> None:
    """Left side, terms and value; exactly the cells of the terms are lit."""
    layer = FURTHER[name]
    browser = opened(layer)
    show_all(browser)
    traced = traced_of(layer, target)
    shape = traced.frames[traced.targets[target]].shape
    values = canonical(layer, target, results(layer)[target])
    places = list(product(*map(range, shape)))
    for index in places[:: max(1, len(places) // 6)]:
        at = int(np.ravel_multi_index(index, shape))
        browser.hover(f".result .cell[data-a='{target}'][data-i='{at}']")
        expected = terms_of(layer, target, index)
        assert read_equation(browser)[: len(expected)] == expected
        value = browser.run("return document.querySelector('#equation .value').textContent")
        assert number(value.strip("=")) == pytest.approx(float(values[index]), rel=1e-5, abs=1e-7)
        lit = {(a, i) for a, i, _, _ in browser.run(LIT)}
        partners = set()
        upstream = f"d{traced.upstream}"
        for term in traced.terms(target, index):
            if term.upstream is not None:
                partners.add((upstream, at_of(traced, traced.upstream, term.upstream)))
            for factor in term.entries():
                slope = factor.function == "σ′"
                operand = "derivative" if slope else factor.operand
                partners.add((operand, at_of(traced, factor.operand, factor.index)))
        assert lit == partners
    assert browser.console() == []


def at_of(traced: Any, role: str, index: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, traced.frames[role].shape))


def test_the_slope_has_an_equation_of_its_own(opened: Any) -> None:
    layer = FURTHER["conv-relu"]
    browser = opened(layer)
    browser.hover(".result .cell[data-a='derivative'][data-i='1']")
    settled(browser)
    z = results(layer)["Y"][0, 1]
    text = browser.run("return document.getElementById('equation').textContent")
    assert text.replace("−", "-").replace(" ", "") == f"σ′(O12)=σ′({z})={int(z > 0)}"


def idle(layer: Layer, name: str, index: tuple[int, ...]) -> bool:
    """Whether a place of a transposed convolution's dY is in no product at all."""
    if layer.kind != "transposed" or name != "dY":
        return False
    axes = layer.plan.geometry.convolution.axes
    return any(not axis.taps_of_input(x) for axis, x in zip(axes, index[2:], strict=True))


@pytest.mark.parametrize(
    ("name", "given", "others"),
    [
        ("transposed-groups", "X", ("Y", "dW")),
        ("transposed-groups", "W", ("Y", "dX")),
        ("transposed-groups", "dY", ("dX", "dW", "db")),
        ("upsample", "dY", ("dX",)),
        ("conv-relu", "dA", ("dY",)),
        ("conv-relu", "X", ("Y", "dW")),
        ("gelu", "Y", ("A", "dY")),
    ],
    ids=str,
)
def test_pointing_at_a_given_cell_lights_what_it_influences(
    opened: Any, name: str, given: str, others: tuple[str, ...]
) -> None:
    layer = FURTHER[name]
    browser = opened(layer)
    show_all(browser)
    traced = traced_of(layer, others[0])
    role = given.removeprefix("d")
    index = next(
        place
        for place in product(*map(range, traced.frames[role].shape))
        if sum(place) > 2 and place[-1] and not idle(layer, given, place)
    )
    browser.hover(f".given .cell[data-a='{given}'][data-i='{at_of(traced, role, index)}']")
    lit = {(a, i) for a, i, _, _ in browser.run(LIT)}
    for target in others:
        of = traced_of(layer, target)
        touched = set()
        for place in product(*map(range, of.frames[of.targets[target]].shape)):
            for term in of.terms(target, place):
                entries = {(f.operand, f.index) for f in term.entries()}
                above = given == f"d{of.upstream}" and term.upstream == index
                if (given, index) in entries or above:
                    touched.add((target, at_of(of, of.targets[target], place)))
        assert touched
        assert {pair for pair in lit if pair[0] == target} == touched


def test_what_only_the_bias_reaches_says_so(opened: Any) -> None:
    layer = FURTHER["transposed-surplus"]
    browser = opened(layer)
    shape = layer.traced.frames["Y"].shape
    alone = {
        at
        for at, index in enumerate(product(*map(range, shape)))
        if [term.operand for term in layer.traced.terms("Y", index)] == ["b"]
    }
    grey = browser.run(
        "return Array.from(document.querySelectorAll(`.unreached[data-a='Y']`),"
        "(c) => Number(c.dataset.i))"
    )
    assert set(grey) == alone
    assert len(alone) > 10
    browser.hover(".cell[data-a='Y'].unreached")
    text = browser.run("return document.getElementById('equation').textContent")
    assert "gets no product of X and W: only the bias reaches it" in text
    assert "=2" in text.replace(" ", "")


def test_an_inserted_zero_is_shown_as_one(opened: Any) -> None:
    browser = opened(FURTHER["upsample-zeros"])
    gaps = "return Array.from(document.querySelectorAll(`.gap[data-a='Y']`), (c) => +c.dataset.i)"
    assert browser.run(gaps) == [at for at in range(35) if (at // 7) % 2 or (at % 7) % 2]


@pytest.mark.parametrize("name", ["transposed", "transposed-groups", "transposed-line"])
@pytest.mark.parametrize("target", ["Y", "dX", "dW"])
def test_a_transposed_convolution_slides_too(opened: Any, name: str, target: str) -> None:
    """What the frame covers on the map holds every factor of the terms, and no cut-off place."""
    layer = FURTHER[name]
    browser = opened(layer)
    show_all(browser)
    choose(browser, "targets", target)
    choose(browser, "views", "convolution")
    shape = layer.traced.frames[layer.traced.targets[target]].shape
    places = list(product(*map(range, shape)))
    for index in places[:: max(1, len(places) // 5)]:
        browser.run(
            "const p = document.getElementById('position'); p.value = arguments[0];"
            "p.dispatchEvent(new Event('input'))",
            flat(layer, layer.traced.targets[target], index) + 1,
        )
        lit = {(a, i) for a, i, _, _ in browser.run(LIT)}
        map_array = {"Y": "X", "dX": "dY", "dW": "dY"}[target]
        wanted = set()
        for term in layer.traced.terms(target, index):
            if map_array == "dY":
                wanted.add(("dY", flat(layer, "Y", term.upstream)))
            wanted |= {
                (f.operand, flat(layer, f.operand, f.index))
                for f in term.entries()
                if f.operand == map_array
            }
        assert {pair for pair in lit if pair[0] == map_array} == wanted
        under = browser.run(
            "return Array.from(document.querySelectorAll('.under[data-a]'),"
            "(c) => [c.dataset.a, Number(c.dataset.i), c.matches('.crop')])"
        )
        assert wanted <= {(a, i) for a, i, _ in under}
        assert not any(cut for _, _, cut in under)
    assert browser.console() == []


def test_an_edit_goes_through_the_activation(opened: Any) -> None:
    layer = FURTHER["conv-silu"]
    browser = opened(layer)
    show_all(browser)
    edit(browser, "W", 5, "-3.5")
    edit(browser, "dA", 2, "9")
    W, dA = np.array(layer.arrays["W"], float), np.array(layer.arrays["dA"], float)
    W.flat[5], dA.flat[2] = -3.5, 9
    edited = replace(layer, arrays={**layer.arrays, "W": W, "dA": dA})
    for name, array in results(edited).items():
        expected = canonical(edited, name, array).ravel().tolist()
        assert shown_values(browser, name) == pytest.approx(expected, rel=1e-3, abs=5e-6), name


NUMBERS = [0, 1, -1, 0.5, -0.5, 1e-3, -1e-3, 2.7, -2.7, 2.83, -2.83, 2.9, -2.9, 5, -5,
           6, -6, 12.5, -12.5, 30, -30, 500, -500, 800, -800, 1e12, -1e12]  # fmt: skip


@pytest.mark.parametrize("name", activation.ACTIVATIONS)
def test_the_pages_functions_are_pythons(browser: Browser, name: str) -> None:
    """σ and σ′ at many numbers, by the page's own script in the real browser."""
    script = files("convgrad_cli.render.page").joinpath("activation.js").read_text("utf-8")
    found = browser.run(
        script + "const [name, slope, numbers] = arguments;"
        "return ACTIVATIONS[name](slope).map((f) => numbers.map(f))",
        name, 0.2, NUMBERS,
    )  # fmt: skip
    chosen = activation.activation(name, slope=0.2 if name == "leaky-relu" else None)
    Z = np.array(NUMBERS, float)
    expected = (activation.forward(chosen, Z), activation.derivative(chosen, Z))
    for own, pythons in zip(found, expected, strict=True):
        for z, a, b in zip(NUMBERS, own, pythons.tolist(), strict=True):
            assert math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-16), (name, z)


@pytest.mark.parametrize("name", ["transposed-groups", "upsample", "leaky"])
def test_the_state_copies_as_a_bundle_that_the_command_reads(
    opened: Any, convgrad: Any, name: str
) -> None:
    layer = FURTHER[name]
    browser = opened(layer)
    browser.click("#copy-bundle")
    copied = browser.run("return window.copied")
    bundle = json.loads(copied)
    for array in ("X", "W", "Y", "dA", "dY"):
        if array in layer.arrays:
            assert np.array_equal(np.array(bundle[array]), layer.arrays[array])
    command = {
        "transposed": ("transposed", "-"),
        "upsample": ("transposed", "-", "--upsample", "nearest"),
        "activation": ("activation", "leaky-relu", "-", "--slope", "0.25"),
    }[layer.kind]
    done = convgrad(*command, "--json", stdin=copied.encode())
    assert done.returncode == 0, done.stderr
    last = "dY" if layer.kind == "activation" else "dX"
    assert np.allclose(np.array(json.loads(done.stdout)[last]), results(layer)[last])


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_names_the_activations_arrays(opened: Any, notation: str) -> None:
    layer = replace(FURTHER["conv-relu"], notation=NOTATIONS[notation])
    browser = opened(layer)
    for target in ("A", "dY", "dX"):
        traced = traced_of(layer, target)
        shape = traced.frames[traced.targets[target]].shape
        index = tuple(size - 1 for size in shape)
        at = int(np.ravel_multi_index(index, shape))
        browser.hover(f".result .cell[data-a='{target}'][data-i='{at}']")
        expected = terms_of(layer, target, index)
        assert read_equation(browser)[: len(expected)] == expected
