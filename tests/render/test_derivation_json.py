"""JSON: the contract's ``derivation`` object."""

from typing import Any

import numpy as np
import orjson
import pytest
import sympy
from jsonschema import Draft202012Validator

from convgrad_cli import derive
from convgrad_cli.render.derivation import Written
from convgrad_cli.render.result import Result, render
from convgrad_cli.render.schema import schema
from tests.render.derivations import EVERY_NOTATION, NAMES, example, shapes_alone


def document(derivation: Any, *steps: str) -> dict[str, Any]:
    written = Written(derivation, steps or ("substituted",))
    found: dict[str, Any] = orjson.loads(orjson.dumps(written.as_json()))
    return found


def term(index: list[int], value: int) -> dict[str, Any]:
    """A term of dW[0,0]: the same place of dY and X."""
    return {
        "upstream": index, "operand": "X", "index": index, "coefficient": 1, "value": value,
    }  # fmt: skip


def test_the_contracts_example() -> None:
    X = [[2, 0], [0, 4]]
    found = document(derive("dW[0,0]", X=X, W=[[1]], dY=[[1, 3], [2, 2]]))
    latex = found["equations"][0].pop("latex")
    assert latex.startswith(r"\frac{\partial L}{\partial F_{11}} = ")
    assert found == {
        "notation": "slides",
        "equations": [
            {
                "target": "dW",
                "index": [0, 0],
                "label": "∂L/∂F11",
                "terms": [
                    term([0, 0], 2),
                    term([0, 1], 0),
                    term([1, 0], 0),
                    term([1, 1], 8),
                ],
                "expression": "dL_dO11*X11 + dL_dO12*X12 + dL_dO21*X21 + dL_dO22*X22",
                "value": 10,
            }
        ],
    }  # fmt: skip


def test_forward_terms_name_both_factors_and_the_bias() -> None:
    (equation,) = document(shapes_alone("O11", with_bias=True))["equations"]
    assert equation["target"] == "Y"
    assert equation["terms"][1] == {
        "upstream": None, "operand": "X", "index": [0, 1], "filter": [0, 1], "coefficient": 1,
    }  # fmt: skip
    assert equation["terms"][-1] == {
        "upstream": None, "operand": "b", "index": [0], "coefficient": 1,
    }  # fmt: skip
    assert "value" not in equation


def test_fractions_are_text_and_bias_terms_have_no_operand() -> None:
    average = derive("dX[1,1]", layer="avgpool", input_shape=(3, 3), window=3)
    (equation,) = document(average)["equations"]
    assert equation["terms"] == [{"upstream": [0, 0], "operand": None, "coefficient": "1/9"}]
    assert sympy.sympify(equation["expression"]) == sympy.Symbol("dL_dO11") / 9
    (bias,) = document(derive("db", input_shape=(2,), filter_shape=(2,)))["equations"]
    assert bias["terms"] == [{"upstream": [0], "operand": None, "coefficient": 1}]


def test_an_empty_sum() -> None:
    derivation = derive("dX[2]", X=[1, 2, 3], W=[4], dY=[5], stride=3)
    (equation,) = document(derivation)["equations"]
    assert (equation["terms"], equation["expression"], equation["value"]) == ([], "0", 0)


def test_indices_are_the_users() -> None:
    derivation = derive(
        "dX[0,1,2,1]",
        input_shape=(1, 4, 5, 2),
        filter_shape=(2, 2, 2, 3),
        layout="nhwc",
        filter_layout="hwio",
    )
    (equation,) = document(derivation)["equations"]
    assert equation["index"] == [0, 1, 2, 1]
    assert equation["terms"][0] == {
        "upstream": [0, 0, 1, 0], "operand": "W", "index": [1, 1, 1, 0], "coefficient": 1,
    }  # fmt: skip


def test_nonfinite_numbers_are_words() -> None:
    derivation = derive("dW", X=np.array([np.inf, 2.0]), W=[1.0], dY=[1.0, -np.inf])
    (equation,) = document(derivation)["equations"]
    assert [term["value"] for term in equation["terms"]] == ["Infinity", "-Infinity"]
    assert equation["value"] == "NaN"


def test_integers_beyond_64_bits_stay_whole() -> None:
    derivation = derive("dW", X=[2**62], W=[1], dY=[2**62])
    raw = orjson.dumps(Written(derivation, ("substituted",)).as_json())
    assert str(2**124).encode() in raw


@pytest.mark.parametrize("notation", EVERY_NOTATION)
@pytest.mark.parametrize("name", NAMES)
def test_every_example_keeps_the_schema(name: str, notation: str) -> None:
    derivation = example(name, "Y", "dX", notation=notation)
    geometry = derivation.traced.plan.geometry.as_dict()  # type: ignore[attr-defined]
    result = Result("derive", geometry, {}, {"input": (3, 3)}, derivation=Written(derivation))
    found = orjson.loads(render(result, "json"))
    Draft202012Validator(schema()).validate(found)
    for equation in found["derivation"]["equations"]:
        if "value" in equation and equation["terms"]:
            total = sum(term["value"] for term in equation["terms"])
            assert total == pytest.approx(equation["value"], rel=1e-15)


def test_the_convolutions_arrays_are_symbols_without_numbers() -> None:
    derivation = derive("dX", input_shape=(5, 5), filter_shape=(3, 3), stride=2)
    view = document(derivation, "convolution")["convolution"]["dX"]
    assert view["dilated"] == [["dL_dO11", 0, "dL_dO12"], [0, 0, 0], ["dL_dO21", 0, "dL_dO22"]]
    assert view["flipped"][0] == ["F33", "F32", "F31"]
    assert view["padding"] == [[2, 2], [2, 2]]
    assert "convolution" not in document(derivation, "substituted")
