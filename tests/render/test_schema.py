"""The schema accepts what is really printed, and nothing that breaks the contract."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from convgrad_cli.render.result import Result, render
from convgrad_cli.render.schema import OPERATIONS, schema
from tests.render.results import GEOMETRY, small

VALIDATOR = Draft202012Validator(schema())
POOL = {key: value for key, value in GEOMETRY.items() if key != "groups"} | {"ceil_mode": False}

TERM = {"upstream": [0, 0], "operand": "X", "index": [1, 2], "coefficient": 1, "value": 2}
EQUATION = {
    "target": "dW",
    "index": [0, 0],
    "label": "∂L/∂F11",
    "terms": [TERM, {"upstream": [0, 0], "operand": None, "coefficient": "1/9"}],
    "expression": "dL_dO11*X11",
    "latex": "x",
    "value": 10,
}


class Derived:
    """A derivation of one equation."""

    def as_json(self) -> object:
        return {"notation": "slides", "equations": [EQUATION]}


def full() -> Result:
    result = small()
    result.updated = {"W": np.array([[0.5, np.nan]]), "b": np.array([1.0])}
    result.verify = {
        "passed": True,
        "directions": 3,
        "largest_deviation": 0.0,
        "gradients": {"dX": {"passed": True, "deviation": 0.0, "allowed": 0.0}},
    }
    result.derivation = Derived()
    result.notes = ["a note"]
    return result


def pool(operation: str, **arrays: Any) -> Result:
    geometry = POOL | {"ties": "first", "layout": "nhwc"}
    return Result(operation, geometry, {k: np.array(v) for k, v in arrays.items()})


def forward() -> Result:
    arrays = {name: np.array([[1.5, -np.inf]]) for name in ("Y", "X", "W", "b")}
    return Result("conv_forward", GEOMETRY | {"filter_layout": "hwio"}, arrays)


GOOD = {
    "backward": full(),
    "only dW": Result("conv_backward", GEOMETRY, {"dW": np.array([[1]])}),
    "forward": forward(),
    "max pool": pool("maxpool_backward", Y=[[3]], switches=[[4]], dX=[[0.5]]),
    "max pool, forward": pool("maxpool_forward", Y=[[3]], switches=[[4]]),
    "average pool": pool("avgpool_backward", Y=[[3.5]], dX=[[0.5]]),
    "average pool, forward": pool("avgpool_forward", Y=[[3.5]]),
    "derive": Result("derive", GEOMETRY, {}, derivation=Derived(), extra={"convolution": {}}),
}


def document(result: Result) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(render(result, "json"))
    return read


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_every_operation_has_a_good_example() -> None:
    assert {result.operation for result in GOOD.values()} == set(OPERATIONS)


@pytest.mark.parametrize("result", GOOD.values(), ids=GOOD)
def test_real_output_is_valid(result: Result) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(document(result))] == []


def set_to(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def without(*path: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


def no_gradients(document: Any) -> None:
    for name in ("dX", "dW", "db"):
        del document[name]


BROKEN = {
    "no geometry": without("geometry"),
    "no version": without("convgrad"),
    "another version": set_to("convgrad", value=2),
    "no operation": without("operation"),
    "an unknown operation": set_to("operation", value="conv_sideways"),
    "an unknown field": set_to("dZ", value=[[1]]),
    "no stride": without("geometry", "stride"),
    "padding without sides": set_to("geometry", "padding", value=[0, 0]),
    "four dimensions": set_to("geometry", "dims", value=4),
    "a pool's geometry": set_to("geometry", value=POOL),
    "no gradients at all": no_gradients,
    "null in an array": set_to("dX", 0, 0, value=None),
    "a wrong word in an array": set_to("dX", 0, 0, value="inf"),
    "a boolean in an array": set_to("dX", 0, 0, value=True),
    "an array that is a number": set_to("dW", value=3),
    "an empty row": set_to("dX", value=[[]]),
    "db of two axes": set_to("db", value=[[10]]),
    "notes that are text": set_to("notes", value="a note"),
    "no notes": without("notes"),
    "verified without a verdict": without("verify", "passed"),
    "updated X": set_to("updated", "X", value=[[1]]),
    "an equation without terms": without("derivation", "equations", 0, "terms"),
    "a negative index": set_to("derivation", "equations", 0, "index", value=[-1, 0]),
    "an unknown operand": set_to("derivation", "equations", 0, "terms", 0, "operand", value="Q"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_broken_output_is_refused(change: Callable[[Any], None]) -> None:
    good = document(full())
    broken = copy.deepcopy(good)
    change(broken)
    assert VALIDATOR.is_valid(good)
    assert not VALIDATOR.is_valid(broken)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("forward", without("Y")),
        ("forward", without("X")),
        ("max pool", set_to("switches", value=[[0.5]])),
        ("max pool", set_to("geometry", "groups", value=1)),
        ("average pool", set_to("switches", value=[[4]])),
        ("derive", without("derivation")),
        ("derive", set_to("convolution", "dY", value={})),
    ],
)
def test_each_operation_has_its_own_fields(name: str, change: Callable[[Any], None]) -> None:
    broken = document(GOOD[name])
    assert VALIDATOR.is_valid(broken)
    change(broken)
    assert not VALIDATOR.is_valid(broken)


def test_the_schema_can_be_printed() -> None:
    assert json.loads(json.dumps(schema())) == schema()


def _listed() -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "convgrad_cli", "samples", "--json"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_the_list_of_samples_is_valid() -> None:
    rows = _listed()
    assert [error.message for error in VALIDATOR.iter_errors(rows)] == []
    assert {row["layer"] for row in rows} == {"conv", "pool", "chain"}
    for place, row in enumerate(rows):
        for key in row:
            broken = copy.deepcopy(rows)
            del broken[place][key]
            assert not VALIDATOR.is_valid(broken), (place, key)
        broken = copy.deepcopy(rows)
        broken[place]["colour"] = "red"
        assert not VALIDATOR.is_valid(broken)
    assert not VALIDATOR.is_valid([])
