"""Matrix products in tiles: the same products, written where they belong, and small enough."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.layers.kernels import tiles

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 30), st.integers(1, 70))


def whole_numbers(seed: int, *shape: int) -> np.ndarray:
    """Every other column of a longer array: rows that do not follow each other in memory."""
    chance = np.random.default_rng(seed)
    return chance.integers(-9, 10, (*shape[:-1], 2 * shape[-1])).astype(float)[..., : shape[-1]]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch):
    """Tiles of small matrices too."""
    monkeypatch.setattr(tiles, "tiled", lambda: True)
    monkeypatch.setattr(tiles, "WIDTHS", (8, 4))
    monkeypatch.setattr(tiles, "SMALL", 2000)
    monkeypatch.setattr(tiles, "SMALL_TRANSPOSED", 40)
    monkeypatch.setattr(tiles, "MOST_ROWS", 8)
    monkeypatch.setattr(tiles, "FEWEST_ROWS", 2)
    monkeypatch.setattr(tiles, "LONG", 5)
    clear()
    yield
    clear()


def clear() -> None:
    tiles._tile.cache_clear()
    tiles._tile_transposed.cache_clear()


def test_equal_to_whole_products(few) -> None:
    tiled = set()

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(SIZES, st.integers(0, 2**16))
    def look(sizes: tuple[int, int, int, int], seed: int) -> None:
        groups, M, K, N = sizes
        A, B = whole_numbers(seed, groups, M, K), whole_numbers(seed + 1, groups, K, N)
        room = np.full((groups, M, N + 3), np.nan)
        assert tiles.product(A, B, room[..., :N]).base is room
        np.testing.assert_array_equal(room[..., :N], np.einsum("gmk,gkn->gmn", A, B))
        assert np.isnan(room[..., N:]).all()
        T = np.ascontiguousarray(B.swapaxes(1, 2))
        found = tiles.product_transposed(A, T, np.full((groups, M, N), np.nan))
        np.testing.assert_array_equal(found, np.einsum("gmk,gkn->gmn", A, B))
        np.testing.assert_array_equal(tiles.product_transposed(A, T), found)
        tiled.add(("rows", tiles._tile(M, K, N)))
        tiled.add(("transposed", tiles._tile_transposed(M, K, N)))

    look()
    assert {("rows", (8, 8)), ("rows", (8, 4)), ("rows", (0, 0))} <= tiled
    assert len({tile for kind, tile in tiled if kind == "transposed"}) > 4


@pytest.mark.parametrize("M", [8, 49, 64, 67, 100, 512])
@pytest.mark.parametrize("K", [9, 64, 256, 700, 4000])
@pytest.mark.parametrize("N", [16, 49, 196, 3136])
def test_tiles_are_what_the_library_takes_for_small(M: int, K: int, N: int) -> None:
    rows, width = tiles._tile(M, K, N)
    assert rows * K * width <= 10**6
    assert rows == width == 0 or (M % rows == 0 and width <= N)


@pytest.mark.parametrize("M", [8, 49, 64, 67, 192])
@pytest.mark.parametrize("K", [300, 1024, 5000])
@pytest.mark.parametrize("N", [3, 16, 64, 147])
def test_tiles_of_long_sums_too(M: int, K: int, N: int) -> None:
    rows, width = tiles._tile_transposed(M, K, N)
    assert rows * width <= 1200
    assert rows * width * K <= 10**6
    assert rows == width == 0 or (M % rows == 0 and N % width == 0)
    assert tiles._tile_transposed(M, 299, N) == (0, 0)


def test_a_usual_layer_is_tiled() -> None:
    assert tiles._tile(64, 192, 3136) == (32, 64)
    assert {tiles._tile(67, 192, 3136), tiles._tile(64, 192, 16), tiles._tile(64, 4000, 3136)} == {
        (0, 0)
    }
    assert tiles._tile_transposed(192, 1024, 64) == (48, 16)


@pytest.mark.parametrize(("known", "expected"), [("SkylakeX", True), ("Haswell", False)])
def test_only_where_the_kernels_are_known(known: str, expected: bool, monkeypatch) -> None:
    tiles.tiled.cache_clear()
    monkeypatch.setattr(tiles, "blas_architectures", lambda: frozenset({known}))
    assert tiles.tiled() is expected
    tiles.tiled.cache_clear()
