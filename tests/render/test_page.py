"""The page as text: what Python writes into it, before any browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pytest

from convgrad_cli.derivation import NOTATIONS, Names
from convgrad_cli.derivation.writer import SCRIPTS
from convgrad_cli.geometry import Axis, ConvPlan
from convgrad_cli.geometry.sliding import sliding
from convgrad_cli.render.facts import facts
from convgrad_cli.render.page import page, script_json
from convgrad_cli.render.page.payload import options, payload
from convgrad_cli.render.page.symbols import notation_symbols
from tests.render.page_layers import LAYERS, conv_layer, integers

AXES = [
    Axis(size, kernel, stride, before, after, dilation)
    for size, kernel, stride, before, after, dilation in product(
        (1, 4, 7), (1, 2, 3), (1, 2, 3), (0, 1, 4), (0, 2), (1, 2)
    )
    if size + before + after >= dilation * (kernel - 1) + 1
]


def filled(template: dict, form: str, index: tuple[int, ...]) -> str:
    """What the page's script makes of a template."""
    numbers = [
        hole["base"] + sum(w * i for w, i in zip(hole["weights"], index, strict=True))
        for hole in template["holes"]
    ]
    large = "wide" in template and max(numbers[: template["subscripts"]]) > 9
    text, *pieces = template["wide" if large else "pieces"][form]
    for number, piece in zip(numbers, pieces, strict=True):
        text += f"{number}{piece}"
    return text


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", LAYERS)
def test_templates_give_the_notations_own_symbols(name: str, notation: str) -> None:
    layer = LAYERS[name]
    names = Names(NOTATIONS[notation], layer.traced)
    symbols = notation_symbols(names)["symbols"]
    text = "ascii" if notation == "plain" else "unicode"
    for role, frame in names.frames.items():
        for index in product(*map(range, frame.shape)):
            for form, script in (("mathml", "mathml"), ("latex", "latex"), ("text", text)):
                write = SCRIPTS[script]().atom
                assert filled(symbols[role], form, index) == write(names.entry(role, index))
                gradient = write(names.gradient(role, index))
                assert filled(symbols[f"d{role}"], form, index) == gradient


def test_templates_count_past_nine_with_commas() -> None:
    layer = conv_layer(integers(12, 13), integers(2, 2))
    template = notation_symbols(Names(NOTATIONS["slides"], layer.traced))["symbols"]["X"]
    assert filled(template, "text", (0, 0, 10, 0)) == "X_{11,1}"
    assert filled(template, "latex", (0, 0, 1, 11)) == "X_{2,12}"


def correlate(values: list[float], weights: list[float], starts: list[int]) -> list[float]:
    return [sum(w * values[start + offset] for offset, w in enumerate(weights)) for start in starts]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_sliding_gives_the_gradients_of_one_axis(axis: Axis) -> None:
    """What slides over what, summed, is what the definition gives, element by element."""
    rng = np.random.default_rng(axis.size * 100 + axis.kernel)
    arrays = {
        "X": rng.integers(-9, 10, axis.size).tolist(),
        "W": rng.integers(-9, 10, axis.kernel).tolist(),
        "dY": rng.integers(-9, 10, axis.output).tolist(),
    }
    expected = {"Y": [0] * axis.output, "dX": [0] * axis.size, "dW": [0] * axis.kernel}
    for o in range(axis.output):
        for k in range(axis.kernel):
            x = o * axis.stride + k * axis.dilation - axis.before
            if 0 <= x < axis.size:
                expected["Y"][o] += arrays["X"][x] * arrays["W"][k]
                expected["dX"][x] += arrays["dY"][o] * arrays["W"][k]
                expected["dW"][k] += arrays["dY"][o] * arrays["X"][x]
    operands = {"Y": ("X", "W"), "dW": ("X", "dY"), "dX": ("dY", "W")}
    for target, s in sliding(axis).items():
        over, under = operands[target]
        values = [arrays[over][p.index] if p.index >= 0 else 0 for p in s.map]
        weights = [arrays[under][p.index] if p.index >= 0 else 0 for p in s.slider]
        assert correlate(values, weights, s.starts) == expected[target]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_no_window_ever_lies_on_what_is_cropped(axis: Axis) -> None:
    s = sliding(axis)["dX"]
    touched = {start + offset for start in s.starts for offset in range(len(s.slider))}
    cropped = {at for at, place in enumerate(s.map) if "crop" in place.role}
    assert touched.isdisjoint(cropped)
    assert touched | cropped == set(range(len(s.map)))
    before, after = axis.full_padding
    assert len(s.map) - len(cropped) == before + (axis.output - 1) * axis.stride + 1 + after


class Shape(HTMLParser):
    """The tags of a page that would load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "action", "data")]


HOSTILE = "</script><script>window.hostile = 1</script><!-- <img src=x onerror=hostile()> & \u2028"


def test_a_page_loads_nothing_and_runs_only_its_own_script() -> None:
    shape = Shape()
    shape.feed(page(LAYERS["slides"], title=HOSTILE, notes=[HOSTILE]))
    assert shape.addresses == ["data:,"]
    assert shape.scripts == [{"type": "application/json", "id": "layer"}, {}]


def test_a_title_stays_text() -> None:
    text = page(LAYERS["slides"], title=HOSTILE + "{{payload}}")
    assert text.count("<script") == 2
    assert "&lt;/script&gt;&lt;script&gt;window.hostile = 1" in text
    assert "{{payload}}" in text


def test_script_json_holds_no_end_of_a_script() -> None:
    value = {"a</script>": [HOSTILE, "]]>", "<!--"]}
    text = script_json(value)
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == value


def test_numbers_that_json_or_a_browser_cannot_hold_are_text() -> None:
    X = np.array([[2**53 + 1, -(2**62)], [3, 4]])
    values = payload(conv_layer(X, [[1]], [[1, 1], [1, 1]]))["arrays"]["X"]["values"]
    assert values == [str(2**53 + 1), str(-(2**62)), 3, 4]
    X = np.array([[np.nan, np.inf], [-np.inf, 0.1]])
    values = payload(conv_layer(X, [[1.0]], [[1, 1], [1, 1]]))["arrays"]["X"]["values"]
    assert values == ["NaN", "Infinity", "-Infinity", 0.1]


def test_results_are_not_written_into_the_page() -> None:
    """They are evaluated there; numbers in two places could differ."""
    arrays = payload(LAYERS["batch"])["arrays"]
    assert {name for name, array in arrays.items() if "values" in array} == {"X", "W", "b", "dY"}
    assert set(arrays) == {"X", "W", "b", "dY", "Y", "dX", "dW", "db"}


def test_unreached_positions_say_why() -> None:
    idle = payload(LAYERS["pool-leftover"])["idle"]
    assert idle["family"] == "X"
    assert idle["axes"][0] == {
        "4": "row 4 is left over after the last window, so no output sees it"
    }
    assert list(idle["axes"][1]) == ["6"]
    gaps = payload(conv_layer(integers(5), integers(1), stride=2))["idle"]["axes"]
    assert gaps[0] == {
        p: f"position {p} lies between the places the windows touch, so no output sees it"
        for p in "13"
    }


def test_facts_tell_the_geometry() -> None:
    assert facts(LAYERS["leftover"]) == (
        "input 8×9 · filter 3×2 · stride 3 · padding 1,1:0 · dilation 2 · output 2×3"
    )
    assert facts(LAYERS["groups"]) == (
        "input 5×5 · filter 3×3 · 4 → 6 channels · 2 groups · 2 samples · stride 2 · padding 1"
        " · output 3×3"
    )


def test_options_are_those_of_a_bundle() -> None:
    assert options(LAYERS["last"])["layout"] == "nhwc"
    assert options(LAYERS["last"])["filter_layout"] == "hwio"
    assert options(LAYERS["ties"])["ties"] == "split"
    assert isinstance(LAYERS["last"].plan, ConvPlan)


def test_every_script_and_style_is_in_the_page_once() -> None:
    from importlib.resources import files

    import convgrad_cli.render.page as module

    assets = {f.name for f in files(module).iterdir() if f.name.endswith((".js", ".css"))}
    assert assets == {*module.SCRIPTS, *module.STYLES}
