"""``convgrad figure`` of the lectures' further layers, as a user runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

X, Z = "[[1,2],[3,4]]", "[[1.5,-2,0]]"


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return ["".join(e.itertext()).strip() for e in root.iter("{http://www.w3.org/2000/svg}text")]


DRAWN = {
    "transposed": (("--layer", "transposed"), "Forward and backward of a transposed convolution"),
    "output padding": (
        ("--layer", "transposed", "--stride", "2", "--output-padding", "1", "--kind", "forward"),
        "input 2×2 · filter 3×3 · stride 2 · output padding 1 · output 6×6",
    ),
    "activation": (
        ("--layer", "activation", "--activation", "gelu", "-x", Z, "-g", "[[1,2,3]]"),
        "Forward and backward of the activation gelu",
    ),
    "conv with activation": (
        ("--activation", "relu", "--kind", "activation", "--element", "dY[1,1]"),
        "Forward and backward of a convolution with relu",
    ),
    "nearest": (("--upsample", "nearest", "-x", X), "input 2×2 · nearest neighbour · scale 2 · "
                "output 4×4"),
    "zeros": (("--layer", "upsample", "--upsample", "zeros", "--stride", "3", "-x", X),
              "input 2×2 · zeros inserted · scale 3 · output 4×4"),
    "channels last": (("--layer", "upsample", "--layout", "nhwc", "-x", "[[[[1,2]],[[3,4]]]]"),
                      "input 2×1 · nearest neighbour · 2 channels · scale 2 · output 4×2"),
    "avgpool": (("--layer", "avgpool", "--window", "2", "-x", X, "--kind", "avgpool"),
                "Forward and backward of an average pool"),
    "dW": (("--kind", "dW"), "Gradient of the filter of a convolution"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_figures_of_every_layer(convgrad: Any, tmp_path: Path, name: str) -> None:
    arguments, expected = DRAWN[name]
    done = convgrad("figure", *arguments, "-o", "f.svg")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert expected in texts(tmp_path / "f.svg")


PIPED = {
    "activation": ("activation", "leaky-relu", "--slope", "0.5", "-x", Z, "-g", "[[1,2,3]]"),
    "conv": ("forward", "--activation", "tanh"),
}


@pytest.mark.parametrize("name", PIPED)
def test_results_pipe_on_into_a_figure(convgrad: Any, tmp_path: Path, name: str) -> None:
    result = convgrad(*PIPED[name], "--json", "--quiet")
    kind = ("--kind", "activation") if name == "conv" else ()
    done = convgrad("figure", "-", *kind, "-o", "f.svg", stdin=result.stdout.encode())
    assert done.returncode == 0, done.stderr
    found = texts(tmp_path / "f.svg")
    if name == "activation":
        assert (
            "1×3 elements · σ(z) = max(z, 0) + 0.5·min(z, 0) · σ′(z) = 1 if z > 0, else 0.5"
            in found
        )
        assert found.count("0.5") == 3  # the slope below 0 and at 0, and the axis of the curves
    else:
        A = json.loads(result.stdout)["A"]
        assert found.count("1") >= sum(row.count(1.0) for row in A)


def test_dA_is_what_arrives_and_dY_is_made_of_it(convgrad: Any, tmp_path: Path) -> None:
    arguments = ("-x", "[[1,2],[3,-4]]", "-w", "[[1]]", "-g", "[[5,6],[7,8]]")
    done = convgrad("figure", *arguments, "--activation", "relu", "--kind", "dX", "-o", "f.svg")
    assert done.returncode == 0, done.stderr
    found = texts(tmp_path / "f.svg")
    assert "8" not in found  # σ′(−4) = 0 took it away
    assert found.count("7") == 2  # in dY and in dX


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--layer", "transposed", "--window", "2"), "does not take --window"),
        (("--layer", "upsample", "-w", "[[1]]"), "Upsampling does not take --filter."),
        (("--upsample", "cubic", "-x", X), "Unknown upsampling 'cubic'."),
        (("--upsample", "nearest", "-x", X, "-g", X), "dY has the wrong shape."),
        (("--upsample", "nearest", "-x", X, "--dims", "3"), "X has the wrong rank"),
        (("--layer", "activation", "-x", X), "Which activation is it?"),
        (("--layer", "activation", "--activation", "sin", "-x", X), "Unknown activation 'sin'."),
        (
            ("--layer", "activation", "--activation", "relu", "-x", X, "-g", "[1]"),
            "dA has the wrong",
        ),
        (("--slope", "2"), "does not take --slope"),
        (
            ("--layer", "avgpool", "--window", "2", "-x", X, "--kind", "maxpool"),
            "of an average pool",
        ),
        (("--kind", "activation"), "There is no figure 'activation' of a convolution."),
        (("--layer", "relu"), "Unknown layer 'relu'."),
        (("--activation", "relu", "--kind", "activation", "--element", "A[0,0]"), "element of dY"),
        (
            ("--activation", "relu", "--kind", "activation", "--element", "dX[0,0]"),
            "A, dY, an element such as dY[1,1]",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    convgrad: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = convgrad("figure", *arguments, "-o", "f.svg")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_hostile_titles_and_symbols(convgrad: Any, tmp_path: Path) -> None:
    title = "</script> $\\alpha$ & <b> 100 %"
    done = convgrad("figure", "--title", title, "--symbols", "X=α,W=alpha", "-o", "f.svg")
    assert done.returncode == 0, done.stderr
    assert title in texts(tmp_path / "f.svg")
    assert b"</script>" not in (tmp_path / "f.svg").read_bytes()
    for letter in ("$x", "a&b", "<b>", "x_1", "\\frac"):
        done = convgrad("figure", "--symbols", f"X={letter}", "-o", "g.svg")
        assert done.returncode == 2
        assert "cannot be the symbol of X" in done.stderr


def test_letters_that_the_font_lacks_are_named(convgrad: Any) -> None:
    done = convgrad("figure", "--title", "日本 x", "-o", "f.png")
    assert done.returncode == 0
    assert re.search(r"font lacks 日本", done.stderr)
    assert "Warning" not in done.stderr
