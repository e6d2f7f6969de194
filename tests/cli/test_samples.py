"""``convgrad samples``: the list, the files, the random layers; and ``convgrad schema``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convgrad_cli.lecture_chains import CHAINS
from convgrad_cli.lectures import EXAMPLES

if TYPE_CHECKING:
    from tests.conftest import Convgrad

SAMPLES = Path(__file__).parent.parent.parent / "samples"


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_the_shipped_samples_are_the_built_in_examples(convgrad: Convgrad, tmp_path: Path) -> None:
    assert convgrad("samples", "--save", "saved").returncode == 0
    assert contents(tmp_path / "saved") == contents(SAMPLES)


def test_the_list_names_every_example(convgrad: Convgrad) -> None:
    listed = convgrad("samples").stdout
    names = [*EXAMPLES, *CHAINS]
    assert [line.split()[0] for line in listed.splitlines()] == names
    assert [row["name"] for row in json.loads(convgrad("samples", "--json").stdout)] == names


@pytest.mark.parametrize("example", [e for e in EXAMPLES.values() if e.layer == "conv"])
def test_a_saved_bundle_gives_what_the_example_gives(convgrad: Convgrad, example) -> None:
    direct = json.loads(convgrad("backward", "--sample", example.name, "--json").stdout)
    for suffix in ("json", "npz"):
        bundle = str(SAMPLES / f"{example.name}.{suffix}")
        saved = json.loads(convgrad("backward", bundle, "--json").stdout)
        for name in ("geometry", "dX", "dW", "db"):
            assert saved[name] == direct[name], (suffix, name)


@pytest.mark.parametrize("example", [e for e in EXAMPLES.values() if e.layer == "conv"])
def test_examples_can_tell_right_from_wrong(example) -> None:
    """No filter that a flip or transposition leaves alone, no constant upstream."""
    W, dY = np.array(example.arrays["W"]), np.array(example.arrays["dY"])
    for plane in W.reshape(-1, *W.shape[-2:]):
        assert not np.array_equal(plane, plane[::-1, ::-1])
        assert not np.array_equal(plane, plane.T)
        assert not np.array_equal(plane, plane[::-1])
        assert not np.array_equal(plane, plane[:, ::-1])
    assert len(np.unique(dY)) > 1


RANDOM = ("samples", "--random", "5", "--input-shape", "2,4,5,6", "--filter-shape", "4,2,3,2")


def test_a_random_layer_is_a_bundle_of_small_distinct_integers(convgrad: Convgrad) -> None:
    made = convgrad(*RANDOM, "--groups", "2", "--stride", "2,1", "--padding", "1:0,1")
    bundle = json.loads(made.stdout)
    assert (bundle["groups"], bundle["stride"], bundle["padding"]) == (2, [2, 1], [[1, 0], [1, 1]])
    for name, shape in {"X": (2, 4, 5, 6), "W": (4, 2, 3, 2), "b": (4,)}.items():
        array = np.array(bundle[name])
        assert array.shape == shape
        assert sorted(abs(array).ravel()) == list(range(1, array.size + 1))
    done = convgrad("backward", "-", "--verify", "--json", stdin=made.stdout.encode())
    assert json.loads(done.stdout)["verify"]["passed"] is True
    assert convgrad(*RANDOM, "--groups", "2").stdout == convgrad(*RANDOM, "--groups", "2").stdout


def test_a_random_layer_as_npz_carries_its_options(convgrad: Convgrad, tmp_path: Path) -> None:
    convgrad(*RANDOM, "--groups", "2", "--padding", "2:1,0", "-o", "layer.npz")
    result = json.loads(convgrad("backward", "layer.npz", "--json").stdout)
    assert result["geometry"]["groups"] == 2
    assert result["geometry"]["padding"] == [[2, 1], [0, 0]]


def test_random_needs_shapes_that_fit(convgrad: Convgrad) -> None:
    assert "--input-shape and --filter-shape" in convgrad("samples", "--random", "1").stderr
    assert convgrad(*RANDOM).returncode == 2
    assert convgrad("samples", "--random", "1", "--save", "x").returncode == 2


@pytest.mark.parametrize("flags", ["-o x.json", "--save here -o x.npz", "--stride 2", "--dims 1"])
def test_what_belongs_to_random_is_refused_without_it(
    convgrad: Convgrad, tmp_path: Path, flags: str
) -> None:
    done = convgrad("samples", *flags.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "goes with --random, which is not given." in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_seed_below_zero_is_refused(convgrad: Convgrad) -> None:
    refused = convgrad("samples", "--random", "-1", *RANDOM[3:], "--groups", "2")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("--random takes a seed of 0 or more.")


@pytest.mark.parametrize("place", ["taken", "no/where"])
def test_examples_cannot_be_saved_there(convgrad: Convgrad, tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").write_text("mine")
    refused = convgrad("samples", "--save", place)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("The output cannot be written")
    assert (tmp_path / "taken").read_text() == "mine"


def test_the_schema_is_valid_and_takes_real_output(convgrad: Convgrad) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(convgrad("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    commands = (
        ("backward", "--stride", "2", "--verify", "--learning-rate", "0.1"),
        ("forward", "--sample", "batch"),
        ("maxpool",),
        ("avgpool", "--only", "Y"),
    )
    for command in commands:
        result = json.loads(convgrad(*command, "--json").stdout)
        validator.validate(result)
        del result["geometry"]
        assert not validator.is_valid(result)
