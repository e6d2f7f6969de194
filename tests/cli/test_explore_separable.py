"""``convgrad explore --layer separable`` as a user runs it; the page itself is tested in
tests/render/test_page_chain.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_pictures import payload_of

ONE = ("--layer", "separable", "-x", "[[[1,2],[3,4]]]")
BOTH = (*ONE, "--depthwise", "[[[1]]]", "--pointwise", "[[2]]")


def test_without_arrays_it_is_the_commands_own_example(convgrad: Any, tmp_path: Path) -> None:
    done = convgrad("explore", "--layer", "separable", "-o", "page.html")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "built-in layer of two channels in and three out" in done.stderr
    held = payload_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert [layer["heading"] for layer in held["layers"]] == [
        "depthwise of separable 0", "pointwise of separable 0",
    ]  # fmt: skip
    assert held["layers"][0]["facts"].startswith("input 4×4")
    assert held["arrays"]["dh2"]["values"][:3] == [1, 2, -1]
    assert held["loss"] is None


def test_a_filter_of_its_own_says_which_layer_it_is(convgrad: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    arrays = {"X": rng.integers(-9, 9, (2, 2, 5)), "D": rng.integers(-9, 9, (4, 1, 2)),
              "P": rng.integers(-9, 9, (3, 4)), "b": np.array([1, 2, 3])}  # fmt: skip
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    done = convgrad(
        "explore", "-x", "X.npy", "--depthwise", "D.npy", "--pointwise", "P.npy", "-b", "b.npy",
        "--dims", "1", "--stride", "2", "--title", "mine", "--notation", "diba",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "<h1>mine</h1>" in done.stdout
    assert "dY = 1 everywhere" in done.stderr
    held = payload_of(done.stdout)
    assert held["notations"][0]["name"] == "diba"
    assert held["arrays"]["W0"]["values"] == arrays["D"].ravel().tolist()
    assert held["arrays"]["dh2"]["values"] == [1] * (2 * 3 * 2)
    (layer,) = held["document"]["layers"]
    assert layer == {
        "type": "separable", "stride": [2], "dims": 1,
        "depthwise": {"$": "W0"}, "pointwise": {"$": "W1"}, "bias": {"$": "b1"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*ONE, "--depthwise", "[[[1]]]"), "The pointwise filter is missing"),
        ((*ONE, "--pointwise", "[[1]]"), "The depthwise filter is missing"),
        (("--depthwise", "[[[1]]]", "--pointwise", "[[2]]"), "X is missing"),
        ((*BOTH, "-g", "[[[1]]]"), "dY has the wrong shape"),
        ((*BOTH, "-b", "[1, 2]"), "b has the wrong shape"),
        ((*BOTH, "-w", "[[1]]"), "its filters are --depthwise and --pointwise"),
        ((*BOTH, "--window", "2"), "does not take --window"),
        ((*BOTH, "--groups", "1"), "every channel is a group of its own"),
        ((*BOTH, "--layout", "nhwc"), "channels first"),
        ((*BOTH, "--crop", "1"), "does not take --crop"),
        ((*BOTH, "--sample", "slides"), "No built-in example is a separable layer."),
        (("--layer", "conv", "--depthwise", "[[[1]]]"), "--depthwise is for --layer separable"),
        (("--layer", "other"), "upsample, separable"),
    ],
)
def test_what_it_cannot_take_is_said(
    convgrad: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = convgrad("explore", *arguments, "-o", "page.html")
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_layer_has_no_page(convgrad: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.ones((1, 70, 8)))
    done = convgrad(
        "explore", "-x", "X.npy", "--depthwise", "[[[1]]]", "--pointwise", "[[2]]", "-o", "p.html"
    )
    assert done.returncode == 2
    assert "The layer is too large for a page" in done.stderr
    assert "remedy    a smaller input\n" in done.stderr
    assert not (tmp_path / "p.html").exists()


BUNDLE = {
    "X": [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], "depthwise": [[[1, 2], [3, 4]]],
    "pointwise": [[2], [3]], "b": [1, -1], "dY": [[[1]], [[-2]]], "stride": 2,
}  # fmt: skip


def document_of(convgrad: Any, *arguments: str, bundle: dict[str, Any]) -> Any:
    done = convgrad("explore", *arguments, stdin=json.dumps(bundle).encode())
    assert done.returncode == 0, done.stderr
    return payload_of(done.stdout)


@pytest.mark.parametrize("told", [{"operation": "separable_backward"}, {}], ids=["says", "shows"])
def test_a_bundle_has_its_page(convgrad: Any, told: dict[str, str]) -> None:
    """It says which layer it is, or its two filters show it."""
    held = document_of(convgrad, "-", bundle=BUNDLE | told)
    (layer,) = held["document"]["layers"]
    assert (layer["type"], layer["stride"]) == ("separable", 2)
    assert held["arrays"]["W0"]["values"] == [1, 2, 3, 4]
    assert held["arrays"]["dh2"]["values"] == [1, -2]


def test_the_command_line_wins_over_the_bundle(convgrad: Any) -> None:
    arguments = (
        "-",
        "--pointwise",
        "[[5], [7]]",
        "--stride",
        "1",
        "-g",
        "[[[1,2],[3,4]],[[5,6],[7,8]]]",
    )
    held = document_of(convgrad, *arguments, bundle=BUNDLE)
    assert held["arrays"]["W1"]["values"] == [5, 7]
    assert held["document"]["layers"][0]["stride"] == [1]


def test_uneven_padding_in_a_bundle_is_read_as_on_the_command_line(convgrad: Any) -> None:
    bundle = {**BUNDLE, "padding": "1:0"}
    del bundle["dY"]
    held = document_of(convgrad, "-", bundle=bundle)
    assert held["arrays"]["dh2"]["values"] == [1] * 8


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("derive", "-", "dP[0,0]", "--steps", "numbers"), "∂L/∂P_{1,1,1,1} = 1·37 = 37"),
        (("separable", "-", "--format", "text"), "dPointwise"),
        (("check", "arrays", "-", "--db", "[1, -2]"), "db  right"),
    ],
)
def test_every_command_takes_the_bundle(
    convgrad: Any, command: tuple[str, ...], expected: str
) -> None:
    done = convgrad(*command, stdin=json.dumps(BUNDLE).encode())
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ({"operation": "separable_backward", "X": [[[1]]]}, "The depthwise filter is missing."),
        ({**BUNDLE, "layout": "nhwc"}, "channels first"),
        ({**BUNDLE, "operation": "maxpool_backward"}, "The pool has no window."),
    ],
)
def test_a_bundle_that_has_no_page(convgrad: Any, bundle: dict[str, Any], said: str) -> None:
    done = convgrad("explore", "-", "-o", "out.html", stdin=json.dumps(bundle).encode())
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_figure_takes_no_bundle_of_a_separable_layer(convgrad: Any) -> None:
    done = convgrad("figure", "-", "-o", "out.svg", stdin=json.dumps(BUNDLE).encode())
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_another_layers_bundle_is_refused_by_name(convgrad: Any) -> None:
    bundle = {"operation": "maxpool_backward", "X": [[1, 2], [3, 4]], "window": 2}
    done = convgrad("separable", "-", stdin=json.dumps(bundle).encode())
    assert done.returncode == 2
    assert "convgrad maxpool takes it" in done.stderr
