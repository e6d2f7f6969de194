"""The page of a chain: every map beside its gradient, each layer's equations, edits down to the
loss and back, in the real browser against what the chain itself computes."""

from __future__ import annotations

import copy
import json
import math
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgrad_cli.cli.chain_trace import traced_step
from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.errors import UsageError
from convgrad_cli.layers.chain import Pass, run
from convgrad_cli.layers.chain_spec import read_chain
from convgrad_cli.layers.loss import loss
from convgrad_cli.lecture_chains import CHAINS
from convgrad_cli.render.page import chain_page
from tests.render.page_browser import ENTER, MISSING, RIGHT, Browser
from tests.render.page_layers import RANDOM, integers
from tests.render.page_reading import LIT, choose, number, read_equation, settled, text_of
from tests.render.test_page_screen import CONTRAST, SCREENS

in_browser = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

MIXED: dict[str, Any] = {
    "input": integers(2, 7, 6).tolist(),
    "layers": [
        {"type": "conv", "filter": integers(4, 1, 2, 2).tolist(), "groups": 2, "stride": 2},
        {"type": "leaky-relu", "slope": 0.25},
        {"type": "upsample", "scale": [2, 1]},
        {"type": "transposed", "filter": integers(4, 3, 2, 2).tolist(), "bias": [1, -2, 3],
         "stride": 2, "padding": [[0, 1], [1, 0]]},
        {"type": "avgpool", "window": 3, "stride": 2},
        {"type": "silu"},
        {"type": "maxpool", "window": 2, "stride": 1, "ties": "split"},
        {"type": "flatten"},
        {"type": "dense", "weight": RANDOM.normal(size=(3, 12)).round(2).tolist()},
    ],
    "loss": {"type": "mse", "target": [1, -1, 0.5]},
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "input": [[1, 2, 3], [4, 5, 6]],
    "layers": [{"type": "conv", "filter": [[1, -1]]}, {"type": "relu"}],
    "upstream": [[1, 2], [3, -4]],
}


def small(*shape: int) -> list[Any]:
    """Numbers whose products stay short enough to be shown with three digits."""
    rows: list[Any] = (integers(*shape) % 4 - 1).tolist()
    return rows


SEPARABLE: dict[str, Any] = {
    "input": small(2, 2, 6, 5),
    "layers": [
        {"type": "tanh"},
        {"type": "separable", "depthwise": small(4, 1, 3, 2), "stride": [2, 1],
         "padding": [[1, 0], [0, 1]], "pointwise": small(3, 4), "bias": [1, 0, -2]},
        {"type": "relu"},
        {"type": "separable", "depthwise": small(3, 2, 2),
         "pointwise": small(2, 3, 1, 1), "padding": "same-upper"},
    ],
    "loss": {"type": "mse", "target": small(2, 2, 3, 5)},
}  # fmt: skip
NETS = {**CHAINS, "mixed": MIXED, "given": GIVEN, "separable": SEPARABLE}


def split(net: dict[str, Any]) -> dict[str, Any]:
    """The chain with each separable layer written as the two convolutions it is."""
    layers: list[dict[str, Any]] = []
    for layer, step in zip(copy.deepcopy(net["layers"]), passed(net).steps, strict=True):
        if layer["type"] != "separable":
            layers.append(layer)
            continue
        deep, point = np.array(layer.pop("depthwise")), np.array(layer.pop("pointwise"))
        second = {"type": "conv", "filter": point.reshape(*point.shape[:2], 1, 1).tolist()}
        second |= {"bias": layer.pop("bias")} if "bias" in layer else {}
        deep = deep.reshape(len(deep), 1, *deep.shape[-2:])
        channels = step.X.shape[1]
        layers.append(layer | {"type": "conv", "filter": deep.tolist(), "groups": channels})
        layers.append(second)
    return {**net, "layers": layers}


def passed(net: dict[str, Any]) -> Pass:
    spec = read_chain(net, lambda value, _name: np.array(value))
    return run(spec.nodes, spec.X, spec.ending)


@pytest.fixture
def opened_net(browser: Browser, tmp_path: Path) -> Any:
    """``opened_net(net, …)``: its page in the browser."""

    def open_net(net: dict[str, Any], notation: str = "slides", **screen: Any) -> Browser:
        path = tmp_path / "chain.html"
        text = chain_page(passed(net), NOTATIONS[notation], title="a <chain>", notes=["a & note"])
        path.write_text(text, encoding="utf-8")
        browser.open(path, **screen)
        browser.run("navigator.clipboard.writeText = (text) => { window.copied = text;"
                    "return Promise.resolve(); }")  # fmt: skip
        return browser

    return open_net


def expected_arrays(done: Pass) -> dict[str, Any]:
    """Every array of the page by its name there."""
    found: dict[str, Any] = {}
    for k, step in enumerate(done.steps):
        found |= {f"h{k}": step.X, f"dh{k}": step.dX, f"h{k + 1}": step.Y, f"dh{k + 1}": step.dY}
        found |= {f"{name}{k}": array for name, array in step.node.parameters.items()}
        found |= {f"{name}{k}": array for name, array in step.gradients.items()}
    return found


def shown_arrays(browser: Browser) -> dict[str, dict[int, float]]:
    """Every number on the stage, sample by sample."""
    samples = browser.run("return document.querySelectorAll('[data-key=n] button').length") or 1
    found: dict[str, dict[int, float]] = {}
    for sample in range(samples):
        browser.run(
            "document.querySelector(`[data-key=n] [data-value='${arguments[0]}']`)?.click()", sample
        )
        for name, at, text in browser.run(
            "return Array.from(document.querySelectorAll('.cell[data-a]'), (c) =>"
            "[c.dataset.a, Number(c.dataset.i), c.querySelector('.num').textContent])"
        ):
            found.setdefault(name, {})[at] = number(text)
    return found


def check_numbers(browser: Browser, done: Pass) -> None:
    found = shown_arrays(browser)
    for name, array in expected_arrays(done).items():
        values = dict(enumerate(np.asarray(array).ravel().tolist()))
        assert found[name] == pytest.approx(values, rel=6e-3, abs=5e-5), name
    if done.loss is not None:
        text = browser.run("return document.getElementById('loss').textContent")
        assert number(text) == pytest.approx(done.loss.value, rel=1e-5)


@in_browser
@pytest.mark.parametrize("name", NETS)
def test_every_number_is_the_chains(opened_net: Any, name: str) -> None:
    browser = opened_net(NETS[name])
    check_numbers(browser, passed(split(NETS[name])))
    assert browser.console() == []


def letters_of(done: Pass) -> list[tuple[int, str, str, str]]:
    """Layer, target of its tracer, name on the page, role of the target's index."""
    found = []
    for k, step in enumerate(done.steps):
        traced, _, targets = traced_step(step)
        own = {"dX": f"dh{k}", "dW": f"dW{k}", "db": f"db{k}", "Y": f"h{k + 1}", "A": f"h{k + 1}"}
        if "A" in traced.targets:
            own["dY"] = f"dh{k}"
        forward = "A" if "A" in traced.targets else "Y"
        # A maximum's forward equation names all members here; test_page_pointing has it.
        forwards = () if step.node.kind == "maxpool" else (forward,)
        found += [(k, t, own[t], traced.targets[t]) for t in (*targets, *forwards)]
    return found


@in_browser
@pytest.mark.parametrize("notation", ["slides", "diba"])
@pytest.mark.parametrize("name", ["cnn", "mixed", "two-layer", "separable"])
def test_each_layers_equations_are_its_tracers(opened_net: Any, name: str, notation: str) -> None:
    done = passed(split(NETS[name]))
    browser = opened_net(NETS[name], notation)
    for k, target, array, role in letters_of(done):
        step = done.steps[k]
        traced, _, _ = traced_step(step)
        if target == "Y" and "b" in step.node.parameters:
            assert traced.bias
        writer = Writer(Names(NOTATIONS[notation], traced), "mathml")
        shape = traced.frames[role].shape
        last = browser.run(
            "const all = document.querySelectorAll(`.cell[data-a='${arguments[0]}']`);"
            "return Number(all[all.length - 1].dataset.i)",
            array,
        )
        for at in {0, last // 2, last}:
            index = tuple(int(i) for i in np.unravel_index(at, shape))
            cell = f".cell[data-a='{array}'][data-i='{at}']"
            if not browser.run("return document.querySelectorAll(arguments[0]).length", cell):
                continue
            browser.hover(cell)
            terms = list(traced.terms(target, index))
            expected = [text_of(writer.target(target, index))]
            expected += [text_of(writer.term(term)) for term in terms[:36]]
            assert read_equation(browser)[: len(expected)] == expected, (array, index)
    assert browser.console() == []


@in_browser
def test_what_lights_up_is_what_the_cell_is_made_of(opened_net: Any) -> None:
    """A gradient between two layers is made by the layer after it, of that layer's arrays."""
    browser = opened_net(NETS["two-layer"])
    browser.hover(".cell[data-a='dh2'][data-i='4']")
    settled(browser)
    lit = {(a, i) for a, i, _, _ in browser.run(LIT)}
    assert {a for a, _ in lit} == {"dh3", "W2"}
    assert len(lit) == 8
    browser.hover(".cell[data-a='h1'][data-i='4']")
    assert {a for a, _, _, _ in browser.run(LIT)} == {"h0", "W0", "b0"}
    browser.hover(".cell[data-a='W2'][data-i='0']")
    assert {a for a, _, _, _ in browser.run(LIT)} == {"h2", "h3", "dh2", "dh3"}


@in_browser
def test_the_gradient_of_one_layer_is_called_the_upstream_of_the_one_before(
    opened_net: Any,
) -> None:
    browser = opened_net(NETS["cnn"])
    titles = browser.run(
        "return Array.from(document.querySelectorAll('.card'), (c) =>"
        "[c.dataset.card, c.querySelector('h2').textContent.replace(/,[^,]*$/, '')])"
    )
    said = dict(titles)
    assert said["h1"] == "Y of conv 0 = X of relu 1"
    assert said["dh1"] == "dX of relu 1 = dY of conv 0"
    assert said["dh5"] == "dY of dense 4 from the loss"
    sides = browser.run(
        "const x = (n) => document.querySelector(`[data-card=${n}]`).getBoundingClientRect();"
        "return [0, 1, 2, 3, 4, 5].map((k) => [x(`h${k}`).top, x(`dh${k}`).top,"
        "x(`h${k}`).left < x(`dh${k}`).left])"
    )
    assert all(forward == back and left for forward, back, left in sides)
    assert sides == sorted(sides)
    browser.hover(".cell[data-a='dh5']")
    text = browser.run("return document.getElementById('equation').textContent")
    assert "From the loss: dY = (softmax(Y) − T)/N" in text


@in_browser
def test_a_separable_layer_is_its_two_convolutions(opened_net: Any) -> None:
    """Its own gradients stand at their filters; layers keep their places in the chain's file."""
    browser = opened_net(NETS["separable"])
    done = passed(SEPARABLE)
    bands = browser.run(
        "return Array.from(document.querySelectorAll('.band > .words b'), (b) => b.textContent)"
    )
    halves = [f"{half} of separable {k}" for k in (1, 3) for half in ("depthwise", "pointwise")]
    assert bands[:6] == ["tanh 0", *halves[:2], "relu 2", *halves[2:]]
    assert browser.run(
        "return Array.from(document.querySelectorAll('#views button'), (b) => b.textContent)"
    ) == ["tanh 0", *halves[:2], "relu 2", *halves[2:]]
    found = shown_arrays(browser)
    for k, place in ((1, 1), (3, 4)):
        step = done.steps[k]
        maps = {f"h{place}": step.X, f"h{place + 2}": step.Y, f"dh{place}": step.dX}
        maps |= {f"dW{place + i}": step.gradients[f"d{key}"]
                 for i, key in enumerate(("depthwise", "pointwise"))}  # fmt: skip
        for name, array in maps.items():
            values = dict(enumerate(np.asarray(array).ravel().tolist()))
            assert found[name] == pytest.approx(values, rel=6e-3, abs=5e-5), name
    assert "depthwise filter" in browser.run(
        "return document.querySelector('[data-card=W1] h2').parentElement.textContent"
    )


@in_browser
@pytest.mark.parametrize(
    ("name", "array", "at", "key"),
    [("cnn", "W0", 4, (0, "filter", (0, 0, 1, 1))), ("mixed", "W3", 7, (3, "filter", (0, 1, 1, 1))),
     ("two-layer", "h0", 5, ("input", (1, 1))), ("cnn", "b4", 1, (4, "bias", (1,))),
     ("separable", "W1", 9, (1, "depthwise", (1, 0, 1, 1))),
     ("separable", "W2", 6, (1, "pointwise", (1, 2))),
     ("separable", "W4", 7, (3, "depthwise", (1, 1, 1)))],
    ids=str,
)  # fmt: skip
def test_an_edit_goes_forward_to_the_loss_and_back(
    opened_net: Any, name: str, array: str, at: int, key: tuple[Any, ...]
) -> None:
    net = copy.deepcopy(NETS[name])
    *path, index = key
    changed: Any = net if path == ["input"] else net["layers"][path[0]]
    values = np.array(changed[path[-1]], float)
    assert np.ravel_multi_index(index, values.shape) == at
    values[index] = 1.5
    changed[path[-1]] = values.tolist()
    browser = opened_net(NETS[name])
    browser.click(f".cell[data-a='{array}'][data-i='{at}']")
    browser.keys("1" + ".5" + ENTER)
    check_numbers(browser, passed(split(net)))
    browser.click("#reset")
    check_numbers(browser, passed(split(NETS[name])))
    assert browser.console() == []


@in_browser
@pytest.mark.parametrize("name", ["cnn", "mixed", "given", "tutorial-chain", "separable"])
def test_the_state_copies_as_a_chain_file(opened_net: Any, convgrad: Any, name: str) -> None:
    browser = opened_net(NETS[name])
    browser.click("#copy-bundle")
    copied = browser.run("return window.copied")
    assert set(json.loads(copied)) == set(NETS[name])
    done = convgrad("chain", "-", "--json", stdin=copied.encode())
    assert done.returncode == 0, done.stderr
    expected = passed(NETS[name])
    document = json.loads(done.stdout)
    assert np.allclose(np.array(document["dX"]), expected.steps[0].dX)
    assert [layer["type"] for layer in document["layers"]] == [
        step.node.word for step in expected.steps
    ]


@in_browser
def test_layers_and_results_are_chosen_and_played(opened_net: Any) -> None:
    browser = opened_net(NETS["cnn"])
    label = "return document.querySelector('#targets [aria-pressed=true]').dataset.value"
    assert browser.run(label) == "dh0"
    choose(browser, "views", "4")
    assert browser.run(label) == "db4"
    choose(browser, "targets", "dW4")
    assert browser.run("return document.getElementById('count').textContent").endswith("/ 54")
    browser.run("document.getElementById('forward').click()")
    here = browser.run(
        "const c = document.querySelector('.here'); return [c.dataset.a, c.dataset.i]"
    )
    assert here[0] == "dW4"
    grid = "document.querySelector(\"[data-card='h4'] .grid\")"
    browser.run(f"{grid}.querySelector('[tabindex=\"0\"]').focus()")
    browser.keys(RIGHT)
    assert browser.run("return document.activeElement.dataset.i") == "1"
    assert browser.console() == []


CHAIN_OVERFLOWS = """
const holds = (e) => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
const held = (e) => e !== document.body && (holds(e) || held(e.parentElement));
const wide = [];
for (const contents of ["numbers", "symbols", "both"]) {
  document.querySelector(`#contents [data-value="${contents}"]`).click();
  if (document.documentElement.scrollWidth > innerWidth) wide.push(`${contents}: the page`);
  for (const e of document.querySelectorAll("body *")) {
    const { width, right } = e.getBoundingClientRect();
    if (width && right > innerWidth + 1 && !held(e.parentElement))
      wide.push(`${contents}: ${e.outerHTML.slice(0, 90)}`);
  }
}
return wide;
"""


@in_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_overflows_and_all_text_has_contrast(opened_net: Any, dark: bool) -> None:
    for width, height in SCREENS:
        browser = opened_net(NETS["cnn"], width=width, height=height, dark=dark)
        assert browser.run(CHAIN_OVERFLOWS) == [], width
        assert browser.run(CONTRAST) == []
        requested = [address for address in browser.requests() if not address.startswith("data:")]
        assert len(requested) == 1
        assert browser.console() == []


@in_browser
def test_titles_and_notes_stay_text(opened_net: Any) -> None:
    browser = opened_net(NETS["given"])
    assert browser.run("return document.querySelector('h1').textContent") == "a <chain>"
    assert browser.run("return document.querySelector('.note').textContent") == "a & note"


Y = [[0.5, 2.25, 1e-3], [3.0, 0.125, 40.0]]
ENDS = [("sum", None), ("neg-log", None), ("mse", [[1.0, -2, 3], [0, 0.5, 41]]),
        ("cross-entropy", [2, 0]), ("cross-entropy", [[0.2, 0.3, 0.5], [1, 0, 1]])]  # fmt: skip


@in_browser
@pytest.mark.parametrize(("name", "target"), ENDS, ids=str)
def test_the_pages_losses_are_pythons(browser: Browser, name: str, target: Any) -> None:
    script = files("convgrad_cli.render.page").joinpath("losses.js").read_text("utf-8")
    flat = [] if target is None else np.ravel(target).tolist()
    value, gradient = browser.run(
        script + "const [name, Y, T] = arguments; const end = LOSSES[name](Y, T, 3);"
        "return [end.value, Array.from(end.gradient)]",
        name, np.ravel(Y).tolist(), flat,
    )  # fmt: skip
    expected = loss(name, np.array(Y), None if target is None else np.array(target))
    assert math.isclose(value, expected.value, rel_tol=1e-12)
    assert gradient == pytest.approx(expected.gradient.ravel().tolist(), rel=1e-12, abs=1e-15)


def test_a_chain_that_has_no_page_says_why() -> None:
    large = {"input": integers(70, 70).tolist(), "layers": [{"type": "relu"}]}
    with pytest.raises(UsageError, match="too large"):
        chain_page(passed(large), NOTATIONS["slides"], title="")
    # V of six planes counts too: X and Y alone would fit.
    wide = {
        "input": integers(1, 40, 40).tolist(),
        "layers": [{"type": "separable", "depthwise": integers(6, 1, 1, 1).tolist(),
                    "pointwise": integers(1, 6).tolist()}],
    }  # fmt: skip
    with pytest.raises(UsageError, match="The layer is too large") as error:
        chain_page(passed(wide), NOTATIONS["slides"], title="")
    assert error.value.remedy == "a smaller input"


def test_the_command_writes_the_page(convgrad: Any, tmp_path: Path) -> None:
    out = tmp_path / "net.html"
    done = convgrad("chain", "--sample", "cnn", "-o", str(out))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "conv → relu → maxpool → flatten → dense → cross-entropy" in out.read_text("utf-8")


def test_names_cover_every_place_once() -> None:
    """Each map's numbers stand in the page once: only what is given is written into it."""
    from convgrad_cli.render.page.chain import chain_payload

    held = chain_payload(passed(MIXED), NOTATIONS["slides"])
    assert (
        held["inputs"]
        == [name for name, array in held["arrays"].items() if "values" in array]
        == ["h0", "W0", "W3", "b3", "W8"]
    )
    for one in held["layers"]:
        assert set(one["names"].values()) <= set(held["arrays"])
    sizes = [math.prod(held["arrays"][f"h{k}"]["shape"]) for k in range(10)]
    assert sizes == [step.X.size for step in passed(MIXED).steps] + [3]
    assert list(product(held["results"], ["h0", "W0"])) != []
