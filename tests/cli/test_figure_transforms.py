"""``convgrad figure --transforms``: one filter, several maps, against sums written out here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

X = np.array([[1, 5, 2, 0], [7, 3, 8, -1], [4, 9, 6, 2], [3, -2, 0, 5]])
W = np.array([[2, -1], [3, 4]])
TURNED = {"identity": W, "rot90": np.rot90(W), "fliplr": W[:, ::-1], "transpose": W.T}


def texts(path: Path) -> list[str]:
    svg = path.read_text(encoding="utf-8")
    return [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r"<text.*?</text>", svg)]


def map_of(T: Any) -> Any:
    return np.array([[(X[i : i + 2, j : j + 2] * T).sum() for j in range(3)] for i in range(3)])


def gradient_of(dz: Any) -> Any:
    """Of the filter as it lies: the sum of dz times what each of its entries met."""
    return np.array([[(X[p : p + 3, q : q + 3] * dz).sum() for q in range(2)] for p in range(2)])


def test_every_row_has_its_filter_its_map_and_its_share(convgrad: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    dY = rng.integers(-9, 10, (4, 3, 3))
    for name, array in {"X": X, "W": W, "dY": dY}.items():
        np.save(tmp_path / f"{name}.npy", array)
    done = convgrad(
        "figure", "-x", "X.npy", "-w", "W.npy", "-g", "dY.npy", "--transforms", ",".join(TURNED),
        "-o", "f.svg",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    back = {"identity": lambda d: d, "rot90": lambda d: np.rot90(d, -1),
            "fliplr": lambda d: d[:, ::-1], "transpose": lambda d: d.T}  # fmt: skip
    shares = [back[name](gradient_of(dz)) for name, dz in zip(TURNED, dY, strict=True)]
    rows = zip(TURNED.values(), dY, shares, strict=True)
    planes = [X, W, *(p for T, dz, share in rows for p in (T, map_of(T), dz, share)), sum(shares)]
    expected = [str(value).replace("-", "−") for plane in planes for value in plane.ravel()]
    shown = texts(tmp_path / "f.svg")
    assert [text for text in shown if re.fullmatch(r"−?\d+", text)] == expected
    assert [text for text in shown if text in TURNED] == list(TURNED)
    assert "input 4×4 · filter 2×2 · 4 maps of 3×3" in shown


def test_of_several_planes_it_says_which_are_shown(convgrad: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    np.savez(tmp_path / "m.npz", X=rng.integers(-5, 6, (2, 3, 4, 4)),
             W=rng.integers(-3, 4, (2, 3, 2, 2)))  # fmt: skip
    done = convgrad(
        "figure", "m.npz", "--kind", "transforms", "--transforms", "identity,rot180",
        "--title", "mine", "-o", "f.svg",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "dY = 1 everywhere" in done.stderr
    shown = texts(tmp_path / "f.svg")
    assert shown[0] == "mine"
    assert shown[1].endswith("shown: sample 0 of 2, channel 0 of 3, filter 0 of 2")


def test_all_transforms_fit_on_one_sheet(convgrad: Any, tmp_path: Path) -> None:
    every = "identity,rot90,rot180,rot270,fliplr,flipud,transpose,scale2"
    options = ("--transforms", every, "--padding", "same-upper", "-q", "-o", "f.png")
    done = convgrad("figure", "--sample", "slides", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "f.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "transforms"), "Which transforms?"),
        (("--transforms", "rot45"), "did you mean 'rot90'"),
        (("--transforms", "rot90", "--kind", "dX"), "does not take --kind dX"),
        (("--transforms", "rot90", "--layer", "maxpool"), "does not take --layer maxpool"),
        (("--transforms", "rot90", "--element", "dW[0,0]"), "does not take --element"),
        (("--transforms", "rot90", "--cells", "symbols"), "does not take --cells symbols"),
        (("--transforms", "rot90", "--notation", "diba"), "does not take --notation"),
        (("--transforms", "rot90", "--window", "2"), "does not take --window"),
        (("--transforms", "rot90", "-x", "[[1,2]]", "-w", "[[1,2]]"), "need a square filter"),
        (("--transforms", "rot90", "-x", "big.npy", "-w", "[[1]]"), "planes are too large"),
    ],
)
def test_what_it_cannot_draw_is_said(
    convgrad: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    np.save(tmp_path / "big.npy", np.ones((50, 50)))
    done = convgrad("figure", *arguments, "-o", "f.svg")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "f.svg").exists()
