"""The backward pass tutorial: flat subscripts, primes; its matrices, and its numeric max pool.

Typed in from the published text.
"""

import numpy as np
import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation
from convgrad_cli.derivation.blocks import Grid, Picture, Rows
from convgrad_cli.derivation.steps import Report
from convgrad_cli.lectures import EXAMPLES

Z = [[1, 2, 3], [4, 10, 5], [11, 12, 13]]
FORWARD = """
z_1 = a_1·w_1 + a_2·w_2 + a_4·w_3 + a_5·w_4 + b_1
z_2 = a_2·w_1 + a_3·w_2 + a_5·w_3 + a_6·w_4 + b_1
z_3 = a_4·w_1 + a_5·w_2 + a_7·w_3 + a_8·w_4 + b_1
z_4 = a_5·w_1 + a_6·w_2 + a_8·w_3 + a_9·w_4 + b_1
"""
FILTER_LOCALS = {
    "∂z_1/∂W": [["a_1", "a_2"], ["a_4", "a_5"]],
    "∂z_2/∂W": [["a_2", "a_3"], ["a_5", "a_6"]],
    "∂z_3/∂W": [["a_4", "a_5"], ["a_7", "a_8"]],
    "∂z_4/∂W": [["a_5", "a_6"], ["a_8", "a_9"]],
}
INPUT_LOCALS = {
    "∂z_1/∂A": [["w_1", "w_2", "0"], ["w_3", "w_4", "0"], ["0", "0", "0"]],
    "∂z_2/∂A": [["0", "w_1", "w_2"], ["0", "w_3", "w_4"], ["0", "0", "0"]],
    "∂z_3/∂A": [["0", "0", "0"], ["w_1", "w_2", "0"], ["w_3", "w_4", "0"]],
    "∂z_4/∂A": [["0", "0", "0"], ["0", "w_1", "w_2"], ["0", "w_3", "w_4"]],
}
POOL_LOCALS = {
    "∂a_1/∂Z": [["0", "0", "0"], ["0", "1", "0"], ["0", "0", "0"]],
    "∂a_2/∂Z": [["0", "0", "0"], ["0", "1", "0"], ["0", "0", "0"]],
    "∂a_3/∂Z": [["0", "0", "0"], ["0", "0", "0"], ["0", "1", "0"]],
    "∂a_4/∂Z": [["0", "0", "0"], ["0", "0", "0"], ["0", "0", "1"]],
}
POOL_GRADIENT = [["0", "0", "0"], ["0", "a′_1 + a′_2", "0"], ["0", "a′_3", "a′_4"]]


def conv(*targets: str) -> Derivation:
    return derive(
        *targets, input_shape=(3, 3), filter_shape=(2, 2), with_bias=True, notation="tutorial"
    )


def pool(*targets: str) -> Derivation:
    return derive(*targets, layer="maxpool", X=Z, window=2, stride=1, notation="tutorial")


def pictures(derivation: Derivation, *steps: str) -> list[Picture]:
    return [b for b in Report(derivation, steps=steps).blocks() if isinstance(b, Picture)]


def named_matrices(picture: Picture) -> dict[str, list[list[str]]]:
    """``∂a_1/∂Z = [ … ],  …`` as a mapping."""
    names = [part for part in picture.parts if isinstance(part, str)]
    grids = [part for part in picture.parts if isinstance(part, Grid)]
    stripped = [name.strip(" ,").removesuffix(" =") for name in names]
    return {n: [list(r) for r in g.cells] for n, g in zip(stripped, grids, strict=True)}


def test_the_forward_pass_is_the_tutorials() -> None:
    assert [str(equation) for equation in conv("Y")] == FORWARD.strip().splitlines()


@pytest.mark.parametrize(
    ("target", "published"),
    [("dW", FILTER_LOCALS), ("dX", INPUT_LOCALS)],
    ids=["filter", "input"],
)
def test_the_matrices_of_local_gradients_are_the_tutorials(
    target: str, published: dict[str, list[list[str]]]
) -> None:
    locals_, weighted = pictures(conv(target), "local", "substituted")
    assert named_matrices(locals_) == published
    whole = {"dW": "W′", "dX": "A′"}[target]
    assert [part for part in weighted.parts if isinstance(part, str)] == [
        f"{whole} = z′_1 ", " + z′_2 ", " + z′_3 ", " + z′_4 ",
    ]  # fmt: skip
    cells = [[list(r) for r in p.cells] for p in weighted.parts if isinstance(p, Grid)]
    assert cells == list(published.values())


def test_the_bias_collects_every_output() -> None:
    assert [str(equation) for equation in conv("db")] == ["b′_1 = z′_1 + z′_2 + z′_3 + z′_4"]


def test_the_pools_matrices_and_their_weighted_sum_are_the_tutorials() -> None:
    locals_, weighted = pictures(pool("dX"), "local", "substituted")
    assert named_matrices(locals_) == POOL_LOCALS
    *_, last = weighted.parts
    assert isinstance(last, Grid)
    assert [list(row) for row in last.cells] == POOL_GRADIENT


def test_overlapping_windows_add_up() -> None:
    assert str(pool("dX")["z_5"]) == "z′_5 = a′_1 + a′_2"


def test_each_window_names_its_members_and_its_argmax() -> None:
    (rows,) = (b for b in Report(pool("Y"), steps=("forward",)).blocks() if isinstance(b, Rows))
    found = [(r.left, r.sides["window"].terms, r.sides["substituted"].terms) for r in rows.rows]
    assert found == [
        ("a_1", ["max(z_1, z_2, z_4, z_5)"], ["z_5"]),
        ("a_2", ["max(z_2, z_3, z_5, z_6)"], ["z_5"]),
        ("a_3", ["max(z_4, z_5, z_7, z_8)"], ["z_8"]),
        ("a_4", ["max(z_5, z_6, z_8, z_9)"], ["z_9"]),
    ]


def test_the_numeric_example_is_the_printed_one() -> None:
    example = EXAMPLES["tutorial-pool"]
    derivation = derive("Y", "dX", layer="maxpool", **example.arrays, **example.options)
    found = derivation.evaluate()
    np.testing.assert_array_equal(found["Y"], [[10, 10], [12, 13]])
    printed = [[0, 0, 0], [0, -0.2, 0], [0, -0.08333333, -0.07692308]]
    np.testing.assert_allclose(found["dX"], printed, rtol=0, atol=5e-9)
