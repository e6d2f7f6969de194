"""The page in a real browser: what it shows, lights up and works out is what Python says."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.render.layer import Layer
from convgrad_cli.render.page import page
from tests.render.page_browser import DOWN, END, ENTER, ESCAPE, MISSING, RIGHT, Browser
from tests.render.page_layers import LAYERS, conv_layer, integers, pool_layer, results

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of the module."""
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


def expected_terms(layer: Layer, notation: str, target: str, index: tuple[int, ...]) -> list[str]:
    writer = Writer(Names(NOTATIONS[notation], layer.traced), "mathml")
    terms = [text_of(writer.term(term)) for term in layer.traced.terms(target, index)]
    return [text_of(writer.target(target, index)), *terms]


def read_equation(browser: Browser) -> list[str]:
    return browser.run(
        "const text = (e) => e.textContent;"
        "return [document.querySelector('#equation .left').textContent, ...Array.from("
        "document.querySelector('#equation .right').querySelectorAll('.term'), text)]"
    )


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
    assert "is in 1 window, and is the maximum of none" in subject


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


def edit(browser: Browser, name: str, place: int, text: str) -> None:
    """Type a number into a cell, as a person does."""
    browser.click(f"[data-card='{name}'] .cell[data-a='{name}'][data-i='{place}']")
    browser.keys(text[0])
    browser.keys(text[1:] + ENTER)


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


VIEWS = "return Array.from(document.querySelectorAll('#views button'), (b) => b.dataset.value)"
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
@pytest.mark.parametrize("name", ["recitation-1", "leftover", "ties"])
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
