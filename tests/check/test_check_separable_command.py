"""``check arrays --layer separable`` as a user meets it: pipes, exit codes, JSON, bad input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convgrad_cli.cli.main import app
from tests.check import mutants_separable as mutants
from tests.check.mutants_separable import Separable
from tests.check.test_check_command import run, valid

T = Separable(1, 2, 3, (4, 3), (2, 2))
RNG = np.random.default_rng(2)
SHAPES = {"X": (1, 2, 4, 3), "D": (2, 1, 2, 2), "P": (3, 2), "b": (3,), "dY": (1, 3, 3, 2)}
A = {name: RNG.integers(-9, 10, shape) for name, shape in SHAPES.items()}


def text(array: Any) -> str:
    return json.dumps(np.asarray(array).tolist())


FLAGS = {"X": "-x", "D": "--depthwise", "P": "--pointwise", "b": "-b", "dY": "-g"}
LAYER = tuple(word for name, flag in FLAGS.items() for word in (flag, text(A[name])))


def without(flag: str) -> tuple[str, ...]:
    at = LAYER.index(flag)
    return LAYER[:at] + LAYER[at + 2 :]


def test_results_of_the_command_pipe_into_check() -> None:
    result = CliRunner().invoke(app, ["separable", *LAYER, "--json"])
    done = run("arrays", "-", *LAYER, "--json", stdin=result.stdout)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    valid(document)
    assert document["layer"] == "separable"
    assert list(document["gradients"]) == ["dX", "dDepthwise", "dPointwise", "db", "Y"]


VERDICTS = [
    ("--dDepthwise", "dDepthwise", mutants.dd_full, "S3"),
    ("--dD", "dDepthwise", mutants.through(mutants.broadcast, "dDepthwise"), "S2"),
    ("--dP", "dPointwise", mutants.dp_of_x_cut, "S4"),
    ("--dPointwise", "dPointwise", mutants.dp_transposed, "W8"),
    ("--dX", "dX", mutants.through(mutants.reshaped, "dX"), "S1"),
    ("--db", "db", mutants.db_mean, "B1"),
    ("--Y", "Y", mutants.y_no_bias, "B5"),
]


@pytest.mark.parametrize(("flag", "name", "make", "id"), VERDICTS)
@pytest.mark.parametrize("layer", [("--layer", "separable"), ()])
def test_a_wrong_array_ends_with_1_and_its_mistake(flag, name, make, id, layer) -> None:
    arguments = (*layer, *LAYER, flag, text(make(T, **A)))
    done = run("arrays", *arguments, "--json", "--symbolic")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    valid(document)
    found = [d["mistakes"] for d in document["gradients"][name]["diagnosis"]]
    assert [id] in found
    for form in ("table", "text"):
        words = run("arrays", *arguments, "--format", form)
        assert words.exit_code == 1
        assert words.stdout.split()[:2] == [name, "wrong"]
        assert "fix: " in words.stdout


REFUSED = [
    (without("--pointwise"), "The pointwise filter is missing."),
    (without("--depthwise"), "The depthwise filter is missing."),
    (without("-x"), "X is missing."),
    ((*without("--pointwise"), "--pointwise", "[[1,2,3]]"), "wrong shape"),
    ((*without("-g"), "-g", "[[1,2],[3,4]]"), "dY has the wrong shape."),
    ((*without("--depthwise"), "--depthwise", "[[NaN,1],[2,3]]"), "NaN"),
    ((*LAYER, "-w", "[[1]]"), "A separable convolution has no filter."),
    ((*LAYER, "--groups", "2"), "does not take --groups"),
    ((*LAYER, "--sample", "slides"), "No built-in example is a separable layer."),
    ((*LAYER, "--dW", "[[1]]"), "A separable convolution has no dW."),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_bad_input_is_refused_in_a_sentence(arguments, words) -> None:
    done = run("arrays", "--layer", "separable", *arguments, "--db", "[1,2,3]")
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_two_readers_of_standard_input_are_refused() -> None:
    done = run("arrays", *without("--depthwise"), "--depthwise", "-", "--dD", "-")
    assert done.exit_code == 2
    assert "--depthwise and --dDepthwise both read standard input." in done.stderr


def test_the_filters_are_no_other_layers() -> None:
    done = run("arrays", "--layer", "conv", "-x", "[[1]]", "--depthwise", "[[1]]", "--dX", "[[1]]")
    assert done.exit_code == 2
    assert "A convolution has no depthwise filter." in done.stderr


def test_power_suggests_a_bundle_that_shows_more(tmp_path) -> None:
    better = tmp_path / "better.json"
    done = run("power", "--layer", "separable", "--json", "--suggest", better)
    assert done.exit_code in (0, 1)
    valid(json.loads(done.stdout))
    assert run("power", better).exit_code == 0
