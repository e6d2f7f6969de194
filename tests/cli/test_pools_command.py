"""``convgrad maxpool`` and ``avgpool`` as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import reference

if TYPE_CHECKING:
    from tests.conftest import Convgrad

X = np.array([[5, 1, 5, 2], [3, 5, 0, 9], [7, 7, 7, 4], [2, 8, 6, 8]])


def test_the_tutorials_published_numbers(convgrad: Convgrad) -> None:
    done = convgrad("maxpool", "--sample", "tutorial-pool", "--json")
    result = json.loads(done.stdout)
    assert result["operation"] == "maxpool_backward"
    assert result["Y"] == [[10, 10], [12, 13]]
    published = [[0, 0, 0], [0, -0.2, 0], [0, -0.08333333, -0.07692308]]
    assert np.array_equal(np.round(result["dX"], 8), published)
    assert result["switches"] == [[4, 4], [7, 8]]


def test_without_an_upstream_it_is_the_forward_pass(convgrad: Convgrad) -> None:
    result = json.loads(convgrad("maxpool", "-x", str(X.tolist()), "-k", "2", "--json").stdout)
    assert result["operation"] == "maxpool_forward"
    assert "dX" not in result
    assert result["Y"] == [[5, 9], [8, 8]]


@pytest.mark.parametrize("ties", ["first", "last", "split"])
def test_tie_rules_and_their_warning(convgrad: Convgrad, ties: str) -> None:
    dY = np.array([[1, 2, 4], [8, 16, 32], [64, 128, 256]])
    arguments = ("-x", str(X.tolist()), "-g", str(dY.tolist()), "-k", "2", "-s", "1")
    done = convgrad("maxpool", *arguments, "--ties", ties, "--json")
    assert "Ties: " in done.stderr
    assert f"--ties {ties}" in done.stderr
    expected = reference.max_pool_backward(
        X[None, None], dY[None, None], (2, 2), stride=(1, 1), ties=ties
    )
    assert json.loads(done.stdout)["dX"] == expected[0, 0].tolist()


def test_average_counts_the_padding_only_on_request(convgrad: Convgrad) -> None:
    arguments = ("avgpool", "-x", str(X.tolist()), "-k", "3", "-s", "2", "-p", "1", "--json")
    without = json.loads(convgrad(*arguments).stdout)["Y"]
    counting = json.loads(convgrad(*arguments, "--count-include-pad").stdout)["Y"]
    assert without[0][0] == (5 + 1 + 3 + 5) / 4
    assert counting[0][0] == (5 + 1 + 3 + 5) / 9


@pytest.mark.parametrize("pool", ["maxpool", "avgpool"])
def test_verify(convgrad: Convgrad, pool: str) -> None:
    dY = np.array([[1, -2], [4, 3]])
    arguments = ("-x", str(X.tolist()), "-g", str(dY.tolist()), "-k", "3", "-s", "2", "-p", "1")
    done = convgrad(pool, *arguments, "--verify", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["verify"]["passed"] is True


def test_bad_windows_and_words(convgrad: Convgrad) -> None:
    x = ("-x", str(X.tolist()))
    assert "has no window" in convgrad("maxpool", *x).stderr
    assert "at most half of its window" in convgrad("maxpool", *x, "-k", "2", "-p", "2").stderr
    unknown = convgrad("maxpool", *x, "-k", "2", "--ties", "random")
    assert unknown.returncode == 2
    assert "first, last, split" in unknown.stderr
    useless = convgrad("maxpool", *x, "-k", "2", "--verify")
    assert useless.returncode == 2
