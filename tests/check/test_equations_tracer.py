"""What the tracer writes is read back as right, in every notation and script; nothing crashes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import check_equations, derive
from convgrad_cli.check.equations_report import EquationsReport
from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.errors import ConvgradError
from convgrad_cli.render.check_equations import equations_output

SCRIPTS = ("unicode", "ascii", "latex", "expression")
NAMES = sorted(NOTATIONS)


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """Small layers with channels, batches, strides, dilation, padding and groups."""
    dims = draw(st.integers(1, 3))
    top = {1: 5, 2: 3, 3: 2}[dims]
    kernel = draw(st.tuples(*[st.integers(1, top)] * dims))
    dilation = draw(st.integers(1, 2))
    room = draw(st.tuples(*[st.integers(0, 3 if dims < 3 else 1)] * dims))
    size = tuple(dilation * (k - 1) + 1 + r for k, r in zip(kernel, room, strict=True))
    groups = draw(st.integers(1, 2))
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    batch = draw(st.sampled_from([1, 2]))
    return {
        "input_shape": (batch, channels, *size),
        "filter_shape": (filters, channels // groups, *kernel),
        "stride": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 1)),
        "dilation": dilation,
        "groups": groups,
        "dims": dims,
    }


def written(layer: dict[str, Any], name: str, script: str) -> str:
    """One element of each target, and the first and last of each."""
    targets = ("Y", "dX") if "window" in layer else ("Y", "dW", "dX", "db")
    derivation = derive(*targets, notation=name, **layer)
    writer = derivation.writer(script)
    equations = [derivation[target][place] for target in targets for place in (0, -1)]
    return "\n".join(f"{writer.left_side(e)} = {writer.right_side(e)}" for e in equations)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(convolutions(), st.sampled_from(NAMES), st.sampled_from(SCRIPTS), st.booleans())
def test_convolutions_read_back(
    layer: dict[str, Any], name: str, script: str, with_bias: bool
) -> None:
    text = written(layer | {"with_bias": with_bias}, name, script)
    for notation in (name, None):
        report = check_equations(text, notation=notation, **layer)
        assert report.verdict == "right", f"{text}\n{report}"
        assert [e.verdict for e in report.equations] == ["right"] * 8


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.sampled_from(["maxpool", "avgpool"]),
    st.tuples(st.integers(3, 5), st.integers(3, 5)),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(NAMES),
    st.sampled_from(SCRIPTS),
)
def test_pools_read_back(
    kind: str, size: tuple[int, int], window: int, stride: int, name: str, script: str
) -> None:
    X = np.random.default_rng(5).permutation(2 * size[0] * size[1]).reshape(1, 2, *size)
    layer = {"layer": kind, "X": X, "window": window, "stride": stride}
    text = written(layer, name, script)
    report = check_equations(text, **layer)
    assert report.verdict == "right", f"{text}\n{report}"


@pytest.mark.parametrize("name", NAMES)
def test_every_element_is_covered(name: str) -> None:
    layer = {"input_shape": (2, 4, 5), "filter_shape": (3, 2, 2, 3), "stride": (2, 1)}
    targets = ("Y", "dW", "dX", "db")
    derivation = derive(*targets, notation=name, **layer)
    report = check_equations(str(derivation), **layer)
    assert report.verdict == "right"
    sizes = {"Y": 18, "dW": 36, "dX": 40, "db": 3}
    assert {key: tuple(c) for key, c in report.coverage.items()} == {
        key: (size, size, size) for key, size in sizes.items()
    }
    # The first and last terms of every equation exchanged with the next one's: none is right.
    lines = str(derivation["dW"]).splitlines()
    ends = [line.rpartition(" + ")[2] for line in lines]
    mixed = [
        line.rpartition(" + ")[0] + " + " + ends[(n + 1) % len(ends)]
        for n, line in enumerate(lines)
    ]
    wrong = check_equations("\n".join(mixed), **layer)
    assert wrong.count("right") == 0
    assert wrong.notation == name


def consistent(report: EquationsReport, text: str) -> None:
    """What any report must be: places inside the text, JSON and texts that can be made."""
    lines = text.splitlines()
    for equation in report.equations:
        assert bool(equation.problems) == (equation.verdict in ("wrong", "unreadable"))
        for problem in equation.problems:
            line = lines[problem.span.line - 1]
            assert 1 <= problem.span.column <= len(line) + 1
            assert problem.span.column <= problem.span.end <= len(line) + 2
    loaded = json.loads(equations_output(report, "json"))
    assert loaded["verdict"] == report.verdict
    for width in (40, 80):
        table = equations_output(report, "table", width=width, ascii_only=True, long=True)
        assert isinstance(table, str)
        assert table.isascii()
        assert "\x1b" not in table


WORDS = r"""dL/dX21 dL/dO11 F11 F_{1,2} X[1,1] X_ ' ′ ∂ ∂L/∂ d / * · × + - − = == ( ) [ ] { }
    , ; 1 0 2.5 .5 1e9 _ ^ \frac \frac{ }{ \partial \cdot \left( \\ & # % // max( Σ \sum L O11 B l
    z′_1 a_1 ₂₁ x00 🙂 é \ \begin{align} \end{align} \begin{array} O11=X11F11 dL/dX11="""
PIECES = st.sampled_from([*WORDS.split(), "\n", " ", "\t", "\u3000"])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_pieces_in_any_order_never_crash(text: str) -> None:
    try:
        report = check_equations(text, input_shape=(3, 3), filter_shape=(2, 2))
    except ConvgradError:
        return
    consistent(report, text)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_any_text_never_crashes(text: str) -> None:
    text = "dL/dX11 = " + text
    try:
        report = check_equations(text, input_shape=(3, 3), filter_shape=(2, 2))
    except ConvgradError:
        return
    consistent(report, text)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_a_right_line_with_one_letter_changed_never_crashes(data: st.DataObject) -> None:
    text = "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11"
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8") | st.sampled_from("0123()[]{}_'+-*/="))
    changed = text[:place] + letter + text[place + 1 :]
    report = check_equations(changed, input_shape=(3, 3), filter_shape=(2, 2))
    consistent(report, changed)
