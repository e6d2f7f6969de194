"""``convgrad explore`` and ``convgrad figure`` as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgrad_cli.cli.crop import checked_size, cropped
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.layers import conv


def payload_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="layer">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def test_explore_writes_one_page(convgrad: Any, tmp_path: Path) -> None:
    done = convgrad("explore", "--stride", "2", "-o", "page.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "the built-in example recitation-2" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    layer = payload_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert layer["arrays"]["dY"]["values"] == [1, 2, 3, 4]
    assert layer["notations"][0]["name"] == "recitation"


def test_explore_writes_no_page_under_another_formats_suffix(convgrad: Any, tmp_path: Path) -> None:
    done = convgrad("explore", "-o", "page.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The page is an HTML file." in done.stderr
    assert not any(tmp_path.iterdir())


def test_explore_writes_to_a_pipe(convgrad: Any) -> None:
    done = convgrad("explore", "--sample", "tutorial-pool", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("<!doctype html>")
    assert payload_of(done.stdout)["options"]["operation"] == "maxpool_backward"


def test_explore_takes_layer_notation_letters_and_title(convgrad: Any) -> None:
    done = convgrad(
        "explore", "--layer", "avgpool", "-x", "[[1,2,3],[4,5,6]]", "--window", "2",
        "--stride", "1", "--notation", "plain", "--symbols", "X=A", "--base", "1",
        "--title", "<b>mine</b>",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    layer = payload_of(done.stdout)
    assert layer["options"]["operation"] == "avgpool_backward"
    assert layer["divisors"] == [4, 4]
    assert layer["notations"][0]["symbols"]["X"]["pieces"]["text"] == ["A[", ",", "]"]
    assert layer["notations"][0]["symbols"]["X"]["holes"][0]["base"] == 1
    assert "<h1>&lt;b&gt;mine&lt;/b&gt;</h1>" in done.stdout
    assert "dY = 1 everywhere" in done.stderr


def test_a_hostile_bundle_key_stays_out_of_any_page(convgrad: Any, tmp_path: Path) -> None:
    key = "</script><script>alert(1)</script>"
    bundle = {"X": [[1, 2], [3, 4]], "W": [[1]], key: [[1]]}
    done = convgrad("explore", "-", "-o", "page.html", stdin=json.dumps(bundle).encode())
    assert done.returncode == 2
    assert "means nothing here" in done.stderr
    assert not (tmp_path / "page.html").exists()


LARGE = ("explore", "-x", "X.npy", "-w", "W.npy", "--padding", "1", "--stride", "2")


@pytest.fixture
def large(tmp_path: Path) -> tuple[Any, Any]:
    rng = np.random.default_rng(8)
    X, W = rng.integers(-9, 10, (2, 4, 70, 90)), rng.integers(-9, 10, (6, 4, 3, 3))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "W.npy", W)
    return X, W


def test_too_large_a_layer_is_told_of_the_crop(convgrad: Any, large: Any, tmp_path: Path) -> None:
    done = convgrad(*LARGE, "-o", "page.html")
    assert done.returncode == 2
    assert done.stderr == (
        "The layer is too large for a page that stays fluid.\n"
        "  expected  at most 64×64 positions a plane, 50000 numbers in all arrays, "
        "2000000 products\n"
        "  found     X (2, 4, 70, 90), Y (2, 6, 35, 45)\n"
        "  remedy    --crop 32,32 takes a corner of it (--crop 16:48,0:32 any part), and as many"
        " planes as fit\n"
    )
    assert not (tmp_path / "page.html").exists()


def test_the_crop_that_is_offered_works(convgrad: Any, large: Any, tmp_path: Path) -> None:
    X, _ = large
    done = convgrad(*LARGE, "--crop", "32,32", "-o", "page.html")
    assert done.returncode == 0, done.stderr
    assert "A part of the layer: rows 0–31 of 70, columns 0–31 of 90" in done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "A part of the layer: rows 0–31 of 70" in page
    arrays = payload_of(page)["arrays"]
    assert arrays["X"]["values"][:3] == X[0, 0, 0, :3].tolist()
    assert arrays["X"]["shape"] == [2, 4, 32, 32]


@pytest.mark.parametrize("text", ["9", "3:12,0:20", "0:8,5:11", "5:20,7:20"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_crops_outputs_are_the_layers_own(text: str, stride: int) -> None:
    rng = np.random.default_rng(4)
    X, W, b = (rng.integers(-9, 10, shape) for shape in ((2, 20, 20), (3, 2, 3, 2), (3,)))
    plan = plan_conv(X.shape, W.shape, stride=stride, padding=[(2, 1), (0, 3)], dilation=2, dims=2)
    dY = rng.integers(-9, 10, plan.output_shape)
    part, arrays, note = cropped(plan, {"X": X, "W": W, "b": b, "dY": dY}, text)
    Y = conv.planned_forward(plan, X, W, b)
    found = conv.planned_forward(part, arrays["X"], arrays["W"], arrays["b"])
    places = [
        (r, c)
        for r in range(Y.shape[1] - found.shape[1] + 1)
        for c in range(Y.shape[2] - found.shape[2] + 1)
        if np.array_equal(Y[:, r : r + found.shape[1], c : c + found.shape[2]], found)
    ]
    assert len(places) == 1
    (r, c), (h, w) = places[0], found.shape[1:]
    assert np.array_equal(arrays["dY"], dY[:, r : r + h, c : c + w])
    assert "It is a layer of its own" in note


def test_a_crop_keeps_whole_groups_and_names_what_it_leaves_out() -> None:
    X, W = np.ones((8, 64, 60, 60), np.int8), np.ones((64, 1, 3, 3), np.int8)
    plan = plan_conv(X.shape, W.shape, groups=64)
    with pytest.raises(UsageError, match="too large"):
        checked_size(plan.geometry)
    dY = np.ones(plan.output_shape, np.int8)
    part, arrays, note = cropped(plan, {"X": X, "W": W, "dY": dY}, "40")
    g = part.geometry
    assert g.batch == 1
    assert 1 <= g.groups == g.in_channels == g.out_channels < 64
    assert arrays["X"].shape == (1, g.groups, 40, 40)
    assert f"1 of 8 samples, {g.groups} of 64 channels, {g.groups} of 64 filters" in note
    checked_size(g)


def test_a_pool_in_ceil_mode_is_cropped_to_whole_windows() -> None:
    X = np.arange(21 * 21).reshape(21, 21)
    plan = plan_pool(X.shape, 3, stride=2, ceil_mode=True, padding=1)
    dY = np.arange(np.prod(plan.output_shape)).reshape(plan.output_shape)
    part, arrays, _ = cropped(plan, {"X": X, "dY": dY}, "10:21,0:9")
    assert part.geometry.output_size == arrays["dY"].shape
    assert arrays["dY"][-1, 0] == dY[-1, 0]


@pytest.mark.parametrize(
    "text", ["2", "0:1,0:20", "a", "1,2,3", "-4:9,0:20", "30:40,0:20", "9:5,0:9"]
)
def test_a_crop_without_a_window_is_refused(text: str) -> None:
    X, W = np.ones((20, 20)), np.ones((3, 3))
    plan = plan_conv(X.shape, W.shape)
    with pytest.raises(UsageError, match="--crop"):
        cropped(plan, {"X": X, "W": W, "dY": np.ones(plan.output_shape)}, text)


def test_figure_writes_each_format(convgrad: Any, tmp_path: Path) -> None:
    for form, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        done = convgrad("figure", "--stride", "2", "--kind", "dX", "-o", f"f.{form}")
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert (tmp_path / f"f.{form}").read_bytes().startswith(start)


def test_figure_highlights_an_element_by_index_or_label(convgrad: Any, tmp_path: Path) -> None:
    for element, name in (("dX[2,2]", "a.svg"), ("x22", "b.svg")):
        arguments = ("figure", "--stride", "2", "--kind", "dX", "--element", element, "-o", name)
        assert convgrad(*arguments).returncode == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    other = ("figure", "--stride", "2", "--kind", "dX", "--element", "dX[0,0]", "-o", "c.svg")
    assert convgrad(*other).returncode == 0
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "c.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "f.gif"), "The figure needs a file of a known format."),
        ((), "The figure needs a file of a known format."),
        (("--kind", "maxpool", "-o", "f.svg"), "There is no figure 'maxpool' of a convolution."),
        (("--kind", "dX", "--element", "dX[9,9]", "-o", "f.svg"), "dX[9,9] does not exist."),
        (("--kind", "dX", "--element", "dW[0,0]", "-o", "f.svg"), "highlights an element of dX"),
        (("--kind", "dX", "--element", "dX", "-o", "f.svg"), "highlights an element of dX"),
        (("--cells", "emoji", "-o", "f.svg"), "--cells does not know 'emoji'."),
        (("--notation", "mine", "-o", "f.svg"), "Unknown notation 'mine'."),
        (("-o", "missing/f.svg"), "the directory 'missing' does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_figure_refuses_with_one_clear_error(
    convgrad: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = convgrad("figure", "--stride", "2", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "kind", "options"),
    [
        (("--layer", "transposed", "--stride", "2", "--output-padding", "1"), "products",
         {"operation": "transposed_backward", "output_padding": [1, 1]}),
        (("--layer", "activation", "--activation", "leaky-relu", "--slope", "0.2"), "pointwise",
         {"operation": "activation_backward", "activation": "leaky-relu", "slope": 0.2}),
        (("--activation", "silu"), "products",
         {"operation": "conv_backward", "activation": "silu"}),
        (("--layer", "upsample", "--upsample", "zeros", "-x", "[[1,2],[3,4]]"), "pool",
         {"operation": "upsample_backward", "stride": [2, 2]}),
    ],
    ids=["transposed", "activation", "conv-silu", "upsample"],
)  # fmt: skip
def test_explore_takes_the_lectures_other_layers(
    convgrad: Any, arguments: tuple[str, ...], kind: str, options: dict[str, Any]
) -> None:
    done = convgrad("explore", "--quiet", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    layer = payload_of(done.stdout)
    assert layer["kind"] == kind
    assert options.items() <= layer["options"].items()


@pytest.mark.parametrize("sample", ["slides", "recitation-2", "batch"])
def test_an_activation_of_a_sample_follows_its_layer(convgrad: Any, sample: str) -> None:
    """z and dA are those of the same sample's convolution with the activation."""
    relu = ("--activation", "relu", "--sample", sample)
    alone = convgrad("explore", "--layer", "activation", *relu)
    assert alone.returncode == 0, alone.stderr
    assert f"after the layer of the example {sample}: z is its Y, dA its dY." in alone.stderr
    arrays = payload_of(alone.stdout)["arrays"]
    read = json.loads(convgrad("backward", *relu, "--only", "A,dY", "--json").stdout)
    z = json.loads(convgrad("forward", "--sample", sample, "--json").stdout)["Y"]
    assert arrays["Y"]["values"] == np.ravel(z).tolist()
    held = json.loads(convgrad("derive", "dY", "--layer", "activation", *relu, "--json").stdout)
    values = [each["value"] for each in held["derivation"]["equations"]]
    assert values == np.ravel(read["dY"]).tolist()


def test_a_pool_takes_a_convolutions_sample_without_its_gradient(convgrad: Any) -> None:
    done = convgrad("explore", "--layer", "maxpool", "--window", "2", "--sample", "recitation-2")
    assert done.returncode == 0, done.stderr
    assert "recitation-2 is a convolution's: the pool takes its X alone." in done.stderr
    layer = payload_of(done.stdout)
    assert layer["options"]["stride"] == [2, 2]
    assert layer["arrays"]["dY"]["values"] == [1] * 4


def test_a_copied_upsampling_keeps_its_mode(convgrad: Any) -> None:
    X = [[1, 2], [3, 4]]
    page = convgrad("explore", "--upsample", "zeros", "-x", json.dumps(X), "--stride", "3")
    options = payload_of(page.stdout)["options"]
    again = convgrad("explore", "-", stdin=json.dumps({"X": X, **options}).encode())
    assert payload_of(again.stdout)["options"] == options
    assert options["mode"] == "zeros"
    derived = convgrad("derive", "-", "Y[0,1]", stdin=json.dumps({"X": X, **options}).encode())
    assert "O12 = 0" in derived.stdout


def test_a_crop_keeps_the_activations_upstream(convgrad: Any) -> None:
    done = convgrad("explore", "--activation", "relu", "--sample", "recitation-1", "--crop", "3,2")
    assert done.returncode == 0, done.stderr
    arrays = payload_of(done.stdout)["arrays"]
    assert arrays["X"]["shape"] == [1, 1, 3, 2]
    assert len(arrays["dA"]["values"]) == 2
    assert "values" not in arrays["dY"]


def test_what_cannot_be_cropped_is_told_so(convgrad: Any) -> None:
    done = convgrad("explore", "--layer", "transposed", "--crop", "2")
    assert done.returncode == 2
    assert "--crop takes a part of a convolution or a pool." in done.stderr
    large = str([[0] * 70])
    done = convgrad("explore", "--layer", "activation", "--activation", "relu", "-x", large)
    assert done.returncode == 2
    assert "give a part of the arrays" in done.stderr
