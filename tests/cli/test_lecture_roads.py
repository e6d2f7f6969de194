"""The views' verdict: equal is equal, and a difference is said."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.cli.lecture_roads import same, verdict, without_ones
from convgrad_cli.render.views import Pen


def test_integers_must_be_equal() -> None:
    one = np.array([[1, 2], [3, 2**60]])
    other = one.copy()
    assert same(one, other)
    other[1, 1] += 1
    assert not same(one, other)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_may_differ_by_rounding_only(dtype: type) -> None:
    one = np.random.default_rng(0).normal(size=(5, 5)).astype(dtype)
    assert same(one, np.nextafter(one, dtype(10)))
    wrong = one.copy()
    wrong[2, 3] += dtype(0.02)
    assert not same(one, wrong)


@pytest.mark.parametrize(("agrees", "words"), [(True, "the same numbers as"), (False, "OTHER")])
def test_the_sentence_says_which(agrees: bool, words: str) -> None:
    (text,) = verdict(Pen("unicode", None), agrees, "the convolution").parts
    assert words in text


def test_leading_axes_of_one_are_dropped() -> None:
    assert without_ones(np.ones((1, 1, 2, 3))).shape == (2, 3)
    assert without_ones(np.ones((1, 1))).shape == (1, 1)
    assert without_ones(np.ones((2, 1, 3))).shape == (2, 1, 3)


def test_large_matrices_are_described_and_planes_counted() -> None:
    pen = Pen("unicode", 6)
    (large,) = pen.matrices("X", np.zeros((3, 50)))
    assert "too large to be shown" in str(large)
    blocks = list(pen.matrices("X", np.arange(36).reshape(9, 2, 2)))
    assert len(blocks) == 7
    assert "3 more planes" in str(blocks[-1])


def test_latex_sets_words_as_text() -> None:
    pen = Pen("latex", 6)
    assert pen.label("dY upsampled") == r"dY\text{ upsampled}"
    assert pen.label("dA ∘ σ′(z)") == r"dA  \circ  \sigma '(z)"
    assert pen.label("1/(1 + e^−z)") == "1/(1 + e^{-z})"
    assert Pen("ascii", 6).label("dA ∘ σ′(z)") == "dA o sigma'(z)"
