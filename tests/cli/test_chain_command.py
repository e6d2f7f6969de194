"""``convgrad chain``: files, forms, the tutorial's digits, and faults named with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from convgrad_cli.cli.main import app
from convgrad_cli.layers.conv import conv_backward, conv_forward
from convgrad_cli.lecture_chains import CHAINS
from convgrad_cli.render.schema import schema

if TYPE_CHECKING:
    from tests.conftest import Convgrad

VALIDATOR = Draft202012Validator(schema())


def document(convgrad: Convgrad, *arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """The JSON of a chain that must run; it must follow the schema."""
    done = convgrad("chain", *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    assert [error.message for error in VALIDATOR.iter_errors(read)] == []
    return read


def test_the_tutorials_example_to_the_digits_it_prints(convgrad: Convgrad) -> None:
    shown = convgrad("chain", "--sample", "tutorial-chain", "--precision", "8").stdout
    assert "# Y (2, 2) int64\n10 10\n12 13\n" in shown
    rows = [line.split() for line in shown.splitlines() if not line.startswith("#")]
    assert rows.count(["-0.1", "-0.1"]) == 1
    assert [
        "-0.083333333",
        "-0.076923077",
    ] in rows  # the tutorial rounds to -0.08333333, -0.07692308
    found = document(convgrad, "--sample", "tutorial-chain")
    printed = np.round(found["dX"], 8).tolist()
    assert printed == [[0, 0, 0], [0, -0.2, 0], [0, -0.08333333, -0.07692308]]
    assert np.round(found["layers"][0]["dY"], 8).tolist() == [
        [-0.1, -0.1],
        [-0.08333333, -0.07692308],
    ]


def test_a_separable_layer_has_the_equations_of_both_its_steps(convgrad: Convgrad) -> None:
    rng = np.random.default_rng(9)
    X, D, P = (rng.integers(-5, 6, shape) for shape in ((2, 4, 4), (2, 2, 2), (3, 2)))
    layer = {
        "type": "separable",
        "depthwise": D.tolist(),
        "pointwise": P.tolist(),
        "bias": [1, 0, -2],
    }
    upstream = rng.integers(-5, 6, (3, 3, 3)).tolist()
    net = json.dumps({"input": X.tolist(), "layers": [layer], "upstream": upstream})
    found = document(convgrad, net, "--symbolic")["layers"][0]
    for field, target, gradient in (
        ("depthwise_derivation", "dW", "ddepthwise"),
        ("depthwise_derivation", "dX", "dX"),
        ("pointwise_derivation", "dW", "dpointwise"),
        ("pointwise_derivation", "db", "db"),
    ):
        equations = [e for e in found[field]["equations"] if e["target"] == target]
        assert [e["value"] for e in equations] == np.ravel(found[gradient]).tolist(), gradient
    assert "derivation" not in found
    shown = convgrad("chain", net, "--symbolic").stdout
    assert "∂L/∂D_{2,1,2,2} = " in shown
    assert "∂L/∂P_{3,2,1,1} = " in shown
    assert "∂L/∂V_{1,3,3} = " in shown


def test_two_layers_and_their_equations(convgrad: Convgrad) -> None:
    found = document(convgrad, "--sample", "two-layer", "--symbolic", "--learning-rate", "0.5")
    spec = CHAINS["two-layer"]
    X = np.array(spec["input"])
    first, last = (spec["layers"][place] for place in (0, 2))
    z = conv_forward(X, first["filter"], first["bias"])
    assert 0 < (z > 0).sum() < z.size
    dq, dW, _ = conv_backward(np.maximum(z, 0), last["filter"], np.ones((2, 2), int))
    assert found["layers"][2]["dX"] == found["layers"][1]["dY"] == dq.tolist()
    dz = np.where(z > 0, dq, 0)
    assert found["layers"][1]["dX"] == found["layers"][0]["dY"] == dz.tolist()
    below = conv_backward(X, np.array(first["filter"]), dz)
    assert found["layers"][0]["dW"] == below.dW.tolist()
    assert found["dX"] == found["layers"][0]["dX"] == below.dX.tolist()
    assert found["layers"][0]["updated"]["W"] == (first["filter"] - 0.5 * below.dW).tolist()
    for layer, role, expected in ((0, "dW", below.dW), (1, "dY", dz), (2, "dW", dW)):
        equations = found["layers"][layer]["derivation"]["equations"]
        values = [e["value"] for e in equations if e["target"] == role]
        assert values == expected.reshape(-1).tolist()


@pytest.mark.parametrize("sample", CHAINS)
def test_the_shipped_files_are_the_built_in_chains(convgrad: Convgrad, sample: str) -> None:
    shipped = Path(__file__).parent.parent.parent / "samples" / f"{sample}.json"
    assert json.loads(shipped.read_text(encoding="utf-8")) == CHAINS[sample]
    assert (
        document(convgrad, str(shipped))["layers"]
        == document(convgrad, "--sample", sample)["layers"]
    )


def test_every_kind_of_layer_has_its_equations(convgrad: Convgrad) -> None:
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> Any:
        return rng.integers(-4, 5, shape).tolist()

    spec = {
        "input": numbers(2, 2, 4, 4),
        "layers": [
            {"type": "conv", "filter": numbers(2, 2, 2, 2), "bias": numbers(2), "padding": "same"},
            {"type": "transposed", "filter": numbers(2, 1, 2, 2), "bias": numbers(1)},
            {"type": "leaky-relu"},
            {"type": "upsample", "mode": "zeros"},
            {"type": "maxpool", "window": 3, "ties": "last"},
            {"type": "separable", "depthwise": numbers(1, 2, 2), "pointwise": numbers(2, 1)},
            {"type": "avgpool", "window": 2, "padding": 1, "count_include_pad": True},
            {"type": "flatten"},
            {"type": "dense", "weight": numbers(3, 8)},
        ],
        "loss": {"type": "mse", "target": numbers(2, 3)},
    }
    found = document(convgrad, json.dumps(spec), "--symbolic")
    for layer in found["layers"]:
        if layer["type"] == "separable":
            continue  # its equations are those of its pointwise step
        target = "dY" if layer["type"] == "leaky-relu" else "dX"
        equations = layer["derivation"]["equations"]
        values = [e["value"] for e in equations if e["target"] == target]
        # The numbers reach 1e5, and each is a sum of rounded products in another order.
        np.testing.assert_allclose(values, np.reshape(layer["dX"], -1), rtol=1e-12, atol=1e-9)
    for form in ("table", "latex", "markdown"):
        done = convgrad("chain", json.dumps(spec), "--symbolic", "--format", form)
        assert done.returncode == 0, done.stderr
        assert "dY is the dX of layers[" in done.stdout.replace("\\_", "_")


def test_arrays_as_paths_beside_the_file(convgrad: Convgrad, tmp_path: Path) -> None:
    home = tmp_path / "net"
    home.mkdir()
    np.save(home / "x.npy", np.arange(9.0).reshape(3, 3))
    np.savez(home / "w.npz", first=np.array([[1.0, 2.0], [3.0, 4.0]]), other=np.zeros((5, 5)))
    spec = {"input": "x.npy", "layers": [{"type": "conv", "filter": "w.npz:first"}]}
    (home / "net.json").write_text(json.dumps(spec))
    found = document(convgrad, "net/net.json")
    assert found["Y"] == conv_forward(np.arange(9.0).reshape(3, 3), [[1, 2], [3, 4]]).tolist()
    assert convgrad("chain", "net/net.json", "-o", "net/x.npy").returncode == 2
    from_stdin = document(convgrad, "-", stdin=json.dumps({**spec, "input": "net/x.npy", "layers": [
        {"type": "conv", "filter": "net/w.npz:first"}]}).encode())  # fmt: skip
    assert from_stdin["Y"] == found["Y"]


def test_one_layer_goes_on_to_the_other_commands(convgrad: Convgrad) -> None:
    found = document(convgrad, "--sample", "cnn")
    for place, command in ((0, "backward"), (2, "maxpool")):
        bundle = convgrad("chain", "--sample", "cnn", "--layer", str(place)).stdout.encode()
        alone = json.loads(convgrad(command, "-", "--json", stdin=bundle).stdout)
        np.testing.assert_allclose(alone["dX"], found["layers"][place]["dX"], rtol=1e-13)


def test_the_learning_rate_lowers_the_loss(convgrad: Convgrad) -> None:
    spec = json.loads(json.dumps(CHAINS["cnn"]))
    before = document(convgrad, json.dumps(spec), "--learning-rate", "0.1")
    for layer, done in zip(spec["layers"], before["layers"], strict=True):
        for name, key in (("W", "filter" if layer["type"] == "conv" else "weight"), ("b", "bias")):
            if name in done.get("updated", {}):
                layer[key] = done["updated"][name]
    assert document(convgrad, json.dumps(spec))["loss"]["value"] < before["loss"]["value"]


def test_a_missing_loss_is_said(convgrad: Convgrad) -> None:
    spec = {"input": [[1, -2]], "layers": [{"type": "relu"}]}
    without = convgrad("chain", json.dumps(spec))
    assert "No loss was given: it is L = ΣY" in without.stderr
    assert convgrad("chain", json.dumps({**spec, "loss": "sum"})).stderr == ""


def test_files_of_arrays(convgrad: Convgrad, tmp_path: Path) -> None:
    convgrad("chain", "--sample", "two-layer", "-o", "out.npz")
    held = np.load(tmp_path / "out.npz")
    assert {"0_Y", "0_dW", "0_dX", "1_dY", "2_db"} <= set(held)
    found = document(convgrad, "--sample", "two-layer")
    assert held["0_dW"].tolist() == found["layers"][0]["dW"]


ONE = '"input":[[1,2],[3,4]]'
BAD = {
    "nowhere.json": "The chain cannot be read",
    "[1]": "The chain cannot be read",
    "{": "not valid JSON",
    "{ONE,ONE}": "the key 'input' is given twice",
    "{ONE}": 'The chain has no "layers"',
    '{ONE,"layers":[{"type":"relu"},{"type":"maxpol"}]}':
        "layers[1] has an unknown type 'maxpol'|did you mean \"maxpool\"?|in the command line",
    '{ONE,"layers":[{"type":"conv","fliter":[[1]]}]}':
        "layers[0] (conv) has a key that means nothing here: 'fliter'|did you mean \"filter\"?",
    '{ONE,"layers":[{"type":"conv","filter":[[1,"a"]]}]}': "layers[0].filter",
    '{ONE,"layers":[{"type":"conv","filter":[[1],[1,2]]}]}': "layers[0].filter is ragged",
    '{ONE,"layers":[{"type":"conv","filter":"no.npy"}]}': "layers[0].filter|no.npy",
    '{ONE,"layers":[{"type":"conv","filter":[]}]}': "layers[0].filter",
    '{ONE,"layers":[{"type":"conv","filter":null}]}': "layers[0].filter",
    '{ONE,"layers":[{"type":"conv","filter":[[1]],"stride":"2"}]}':
        "layers[0].stride cannot be read",
    '{ONE,"layers":[{"type":"relu"},{"type":"dense","weight":[[1,2,3]]}]}':
        "layers[1] (dense) after layers[0] (relu), whose output is (2, 2)",
    '{ONE,"layers":[{"type":"relu"}],"loss":"hinge"}': "Unknown loss 'hinge'",
    '{ONE,"layers":[{"type":"relu"}],"loss":{"type":"mse","target":[[1]]}}':
        "target has the wrong shape|in the command line",
    '{ONE,"layers":[{"type":"conv","filter":[[99999999999999999999]]}]}': "layers[0].filter|64",
    "--sample vgg": "There is no built-in chain 'vgg'.",
    "--sample cnn --layer 9": "There is no layers[9].|0 to 4",
    "--sample cnn --layer 1": "layers[1] (relu) is no layer of its own",
    "--sample cnn --learning-rate nan": "learning rate",
    "--sample cnn --symbolic --notation latin": "Unknown notation 'latin'",
}  # fmt: skip


@pytest.mark.parametrize("command", BAD, ids=BAD)
def test_bad_chains(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """In this process, for speed; anything but a clean exit with code 2 would raise here."""
    monkeypatch.chdir(tmp_path)
    arguments = command.split(" ") if command.startswith("--") else [command.replace("ONE", ONE)]
    with pytest.raises(SystemExit) as ended:
        app(["chain", *arguments, "-o", "result.json"])
    shown = capfd.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    for text in BAD[command].split("|"):
        assert text in shown.err
    assert list(tmp_path.iterdir()) == []
