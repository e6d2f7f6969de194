"""The commands as a user meets them: exit codes, text, JSON, files, pipes, and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from convgrad_cli.cli.main import app
from convgrad_cli.lectures import EXAMPLES
from convgrad_cli.render.check_schema import CHECKS
from convgrad_cli.render.schema_parts import DEFINITIONS
from tests import reference

RECITATION = {name: np.array(rows) for name, rows in EXAMPLES["recitation-2"].arrays.items()}


def run(*arguments: Any, stdin: str | None = None) -> Any:
    done = CliRunner().invoke(app, ["check", *map(str, arguments)], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def gradients(flip: bool = False) -> Any:
    X, W, dY = (RECITATION[name][None, None] for name in ("X", "W", "dY"))
    W = W[..., ::-1, ::-1] if flip else W
    return [a.astype(np.int64) for a in reference.conv_backward(X, W, dY, stride=2)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    dX, dW, db = gradients()
    np.save(tmp_path / "dX.npy", dX[0, 0])
    np.save(tmp_path / "dW.npy", dW[0, 0])
    np.save(tmp_path / "db.npy", db)
    np.save(tmp_path / "flipped.npy", gradients(flip=True)[0][0, 0])
    return tmp_path


def valid(document: Any) -> None:
    schema = {**CHECKS[document["operation"]], "$defs": DEFINITIONS}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_right_gradients_exit_0(files: Path) -> None:
    options = [f"--{name}={files / name}.npy" for name in ("dX", "dW", "db")]
    done = run("arrays", "--sample", "recitation-2", *options)
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.stdout.splitlines() if line[0] == "d"] == [
        ["dX", "right"],
        ["dW", "right"],
        ["db", "right"],
    ]


def test_a_wrong_gradient_exits_1_and_names_the_mistake(files: Path) -> None:
    done = run("arrays", "--stride", 2, "--dX", files / "flipped.npy", "--dW", files / "dW.npy")
    assert done.exit_code == 1
    assert "dX  wrong  21 of 25 elements differ" in done.stdout
    assert "X1  your dX equals the full convolution with the filter not rotated" in done.stdout
    assert "fix: rotate it once: W[..., ::-1, ::-1]" in done.stdout
    assert "recitation-2" in done.stderr
    assert "recitation-2" not in done.stdout
    long = run("arrays", "--stride", 2, "--dX", files / "flipped.npy", "--long").stdout
    assert "rule: default: integers must be equal" in long
    assert "tried: " in long


def test_json_is_the_contracts(files: Path) -> None:
    done = run("arrays", "--stride", 2, "--dX", files / "flipped.npy", "--symbolic", "--json")
    document = json.loads(done.stdout)
    valid(document)
    assert document["verdict"] == "wrong"
    report = document["gradients"]["dX"]
    assert [d["mistakes"] for d in report["diagnosis"]] == [["X1"]]
    assert set(report["diagnosis"][0]) == {"mistakes", "text", "fix"}
    worst = tuple(report["worst_index"])
    right, wrong = gradients()[0][0, 0], gradients(flip=True)[0][0, 0]
    assert (report["expected"], report["found"]) == (right[worst], wrong[worst])
    assert report["max_abs_error"] == np.abs(right - wrong).max()
    assert report["differing"] == np.count_nonzero(right != wrong)
    assert report["equations"][0]["mistakes"] == ["X1"]


def test_a_bundle_may_hold_the_answer_and_comes_from_a_pipe(files: Path) -> None:
    bundle = {name: array.tolist() for name, array in RECITATION.items() if name != "b"}
    bundle |= {"stride": 2, "dX": gradients(flip=True)[0][0, 0].tolist()}
    done = run("arrays", "-", "--json", stdin=json.dumps(bundle))
    assert done.exit_code == 1
    assert json.loads(done.stdout)["gradients"]["dX"]["diagnosis"][0]["mistakes"] == ["X1"]
    own = CliRunner().invoke(app, ["backward", "--sample", "recitation-2", "--json"]).stdout
    results = json.loads(own)
    (files / "layer.json").write_text(
        json.dumps({**{k: v for k, v in bundle.items() if k != "dX"}, "dX": results["dX"]})
    )
    assert run("arrays", files / "layer.json").exit_code == 0


def test_nan_in_the_answer_is_reported_and_in_the_layer_refused(files: Path) -> None:
    bad = gradients()[0][0, 0].astype(float)
    bad[1, 2] = np.nan
    np.save(files / "nan.npy", bad)
    done = run("arrays", "--stride", 2, "--dX", files / "nan.npy", "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    valid(document)
    assert document["gradients"]["dX"]["nonfinite"] == 1
    assert "NaN" in document["gradients"]["dX"]["notes"][0]
    refused = run("arrays", "-x", files / "nan.npy", "-w", "[[1]]", "-g", files / "nan.npy",
                  "--dX", files / "nan.npy")  # fmt: skip
    assert refused.exit_code == 2
    assert "X" in refused.stderr


def test_the_files_given_are_never_written(files: Path) -> None:
    before = {path: path.read_bytes() for path in files.iterdir()}
    run("arrays", "--stride", 2, "--dX", files / "dX.npy", "-o", files / "dX.npy")
    run("arrays", "--stride", 2, "--dX", files / "flipped.npy")
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_a_report_can_be_written_to_a_file(files: Path) -> None:
    out = files / "report.json"
    done = run("arrays", "--stride", 2, "--dX", files / "flipped.npy", "-o", out)
    assert (done.exit_code, done.stdout) == (1, "")
    valid(json.loads(out.read_text()))


NOT_CHECKABLE = [
    (["arrays", "--stride", 2], "nothing to check"),
    (["arrays", "--dX", "/no/such/file.npy"], "/no/such/file.npy"),
    (["arrays", "--dX", "[[1,2],[3]]"], "ragged"),
    (["arrays", "--layer", "dense", "--dX", "[[1]]"], "Unknown layer"),
    (["arrays", "--layer", "maxpool", "-w", "[[1]]", "--window", 2, "--dX", "[[1]]"], "no filter"),
    (["arrays", "--layer", "maxpool", "--groups", 2, "--window", 2, "--dX", "[[1]]"], "--groups"),
    (["arrays", "--dX", "-", "--dW", "-"], "standard input"),
    (["arrays", "--dX", "[[1]]", "--rule", "loose"], "Unknown rule"),
    (["arrays", "-x", "[[1,2],[3,4]]", "--window", 2, "--dX", "[[1]]"], "which pool"),
    (["power", "--only", "dZ"], "dZ"),
    (["function", "mine.py"], "FILE.py:NAME"),
    (["function", "/no/such.py:f"], "/no/such.py"),
    (["function", "/no/such.py:f", "--timeout", -1], "--timeout"),
]


@pytest.mark.parametrize(("arguments", "words"), NOT_CHECKABLE)
def test_what_cannot_be_checked_exits_2(arguments, words) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_pools_take_their_layer_from_the_sample_or_the_option() -> None:
    arrays = EXAMPLES["tutorial-pool"].arrays
    Z = np.array(arrays["X"], dtype=float)[None, None]
    dY = np.array(arrays["dY"], dtype=float)[None, None]
    dX = reference.max_pool_backward(Z, dY, 2, stride=1)[0, 0].tolist()
    assert run("arrays", "--sample", "tutorial-pool", "--dX", json.dumps(dX)).exit_code == 0
    lost = [[0, 0, 0], [0, -0.1, 0], [0, -0.08333333, -0.07692308]]
    done = run(
        "arrays", "--sample", "tutorial-pool", "--layer", "maxpool", "--dX", json.dumps(lost)
    )
    assert done.exit_code == 1
    assert "P1" in done.stdout


def test_power_says_what_is_hidden_and_the_suggestion_mends_it(tmp_path: Path) -> None:
    target = tmp_path / "better.json"
    done = run("power", "--stride", 2, "--suggest", target, "--json")
    document = json.loads(done.stdout)
    valid(document)
    assert (done.exit_code, document["verdict"]) == (1, "wrong")
    hidden = {
        (row["id"], row["gradient"]) for row in document["mistakes"] if row["shown_by_suggestion"]
    }
    assert {("X3", "dX"), ("W3", "dW")} <= hidden
    again = run("power", target, "--json")
    assert again.exit_code == 0
    shown = {
        (row["id"], row["gradient"])
        for row in json.loads(again.stdout)["mistakes"]
        if row["verdict"] == "shown"
    }
    assert hidden <= shown
    text = run("power", "--stride", 2).stdout
    assert "W3  dW  one sample only, not summed over the batch: the batch has one sample" in text
    npz = run("power", "--stride", 2, "--suggest", tmp_path / "better.npz")
    assert npz.exit_code == 1
    assert run("power", tmp_path / "better.npz").exit_code == 0


FUNCTION = """
import numpy as np

def conv_backward(X, W, dY, stride=1, padding=0):
    N, C, H, width = X.shape
    K, _, kh, kw = W.shape
    Xp = np.pad(X, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dXp, dW = np.zeros_like(Xp), np.zeros_like(W)
    for n, o, i, j in np.ndindex(*dY.shape):
        a, b = i * stride, j * stride
        dXp[n, :, a:a + kh, b:b + kw] += dY[n, o, i, j] * W[o]
        dW[o] += dY[n, o, i, j] * Xp[n, :, a:a + kh, b:b + kw]
    START
    return dXp[:, :, start:start + H, start:start + width], dW, dY.sum(axis=(0, 2, 3))
"""


def test_a_function_is_run_and_its_smallest_failing_layer_saved(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(FUNCTION.replace("START", "start = padding"))
    wrong.write_text(FUNCTION.replace("START", "start = 0"))
    assert run("function", f"{right}:conv_backward").exit_code == 0
    saved = tmp_path / "failing.json"
    done = run("function", f"{wrong}:conv_backward", "--save", saved, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    valid(document)
    assert (document["passed"], document["failed"]) == (6, 3)
    assert document["smallest_failure"]["gradient"] == "dX"
    assert ["X8"] in [d["mistakes"] for d in document["smallest_failure"]["diagnosis"]]
    assert run("power", saved).exit_code in (0, 1)
    bundle = json.loads(saved.read_text())
    assert bundle["padding"] == [[1, 1], [1, 1]]
    text = run("function", f"{wrong}:conv_backward").stdout
    assert "the smallest failing layer: padding 1" in text
    assert "groups 1" not in text


def test_help_of_every_command_has_an_example() -> None:
    for name in ("arrays", "function", "power"):
        assert f"Example: convgrad check {name}" in run(name, "--help").stdout


def piped(*arguments: str, **environment: str) -> Any:
    command = [sys.executable, "-m", "convgrad_cli", "check", *arguments]
    import os

    root = Path(__file__).parents[2]
    return subprocess.run(
        command, capture_output=True, cwd=root, env={**os.environ, **environment}, check=False
    )


def test_text_in_an_ascii_pipe_is_ascii(files: Path) -> None:
    flipped = str(files / "flipped.npy")
    options = ("--stride", "2", "--dX", flipped, "--symbolic", "--long")
    done = piped("arrays", *options, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert b"dL/dy11*f12" in done.stdout
    assert b"?" not in done.stdout
