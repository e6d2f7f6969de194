"""Each kernel by itself against plain loops: exactly, on whole numbers, over random geometries.

Small layers never reach the fast kernels by themselves, so the limits that choose between them
are lowered here; that each was reached is asserted, not hoped for.
"""

from __future__ import annotations

import os
import signal
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from convgrad_cli.layers import kernels
from convgrad_cli.layers.conv import conv_backward
from convgrad_cli.layers.kernels import (
    dense,
    depthwise,
    gather,
    pieces,
    products,
    stack,
    sweep,
    tall,
    taps,
    tiles,
    windows,
    workers,
)
from tests import reference
from tests.layers.conv_layers import Layer, layer, layers

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set what chooses between the ways of the fast kernels."""

    def choose(*, rows: int, narrow: int, size: int, merged: type | None = None) -> None:
        stack.plan_stacks.cache_clear()
        monkeypatch.setattr(sweep, "ENOUGH_ROWS", rows)
        monkeypatch.setattr(pieces, "NARROW", narrow)
        monkeypatch.setattr(sweep, "NARROW", narrow)
        monkeypatch.setattr(sweep, "STACK_BYTES", size)
        monkeypatch.setattr(sweep, "FOLDED_BYTES", size)
        for module in (tall, depthwise):
            monkeypatch.setattr(module, "NARROW", narrow)
            monkeypatch.setattr(module, "PIECE_BYTES", size)
            monkeypatch.setattr(module, "worker_count", lambda: 2)
        monkeypatch.setattr(dense, "FEW", 1000 if merged else 0)
        monkeypatch.setattr(dense, "_one_pass", lambda geometry: merged or tall.Tall)
        monkeypatch.setattr(dense, "DENSE", 0)
        monkeypatch.setattr(workers, "worker_count", lambda: 2)
        monkeypatch.setattr(pieces, "worker_count", lambda: 2)
        monkeypatch.setattr(sweep, "worker_count", lambda: 2)
        monkeypatch.setattr(dense, "worker_count", lambda: 2)

    yield choose
    stack.plan_stacks.cache_clear()


def by_dense(case: Layer, dtype: type = np.float64) -> tuple[np.ndarray, ...]:
    """Y, dX and dW of the fast kernels, into memory that holds no zeros by chance."""
    X, W, b, dY = case.floats(dtype)
    Y, dX, dW = (np.full_like(array, np.nan) for array in (dY, X, W))
    dense.forward(X, W, b, case.geometry, Y)
    dense.backward(X, W, dY, case.geometry, dX, dW)
    return Y, dX, dW


def by_loops(case: Layer) -> tuple[np.ndarray, ...]:
    """Y, dX and dW from the definition."""
    Y = reference.conv_forward(case.X, case.W, case.b, **case.options)
    return Y, *reference.conv_backward(case.X, case.W, case.dY, **case.options)[:2]


def assert_equal(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    for name, one, other in zip(("Y", "dX", "dW"), found, expected, strict=True):
        np.testing.assert_array_equal(one, other.astype(np.float64), err_msg=name)


@pytest.mark.parametrize("kernel", [taps, windows], ids=["taps", "windows"])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, object])
@SETTINGS
@given(case=layers())
def test_simple_kernels_equal_plain_loops(kernel, dtype, case) -> None:
    if kernel is windows and dtype is object:
        return  # never asked for: objects go to taps
    X, W, b, dY = case.floats(dtype)
    Y = kernel.forward(X, W, case.geometry) + b.reshape(-1, *(1,) * case.geometry.dims)
    dX = kernel.grad_input(W, dY, case.geometry)
    assert_equal((Y, dX, kernel.grad_weight(X, dY, case.geometry)), by_loops(case))


@pytest.mark.parametrize(
    "merged", [None, tall.Tall, depthwise.Depthwise], ids=["sweep", "tall", "depthwise"]
)
@pytest.mark.parametrize("size", [8, 600, 2**22], ids=["positions", "rows", "planes"])
@pytest.mark.parametrize(
    ("rows", "narrow"),
    [(1, 0), (6, 0), (1000, 0), (1, 1000)],
    ids=["row-shift", "some-rows", "whole", "folded"],
)
@settings(SETTINGS, max_examples=25)
@given(case=layers())
def test_matrix_products_equal_plain_loops(limits, rows, narrow, size, merged, case) -> None:
    limits(rows=rows, narrow=narrow, size=size, merged=merged)
    assert_equal(by_dense(case), by_loops(case))


@settings(SETTINGS, max_examples=30)
@given(case=layers())
def test_large_filters_are_taken_some_channels_at_a_time(limits, monkeypatch, case) -> None:
    limits(rows=6, narrow=0, size=600)
    monkeypatch.setattr(dense, "TILE_BYTES", case.W.nbytes)
    assert len(dense._tiles(case.W.nbytes, 3)) == 2
    assert_equal(by_dense(case), by_loops(case))


def test_a_second_caller_at_the_same_time_works_alone(monkeypatch) -> None:
    """And neither leaves the BLAS with fewer threads than it had."""
    monkeypatch.setattr(workers, "worker_count", lambda: 2)
    before = [pool["num_threads"] for pool in threadpool_info()]
    case = LARGE["row shift"]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: by_dense(case), range(8)))
    for result in results:
        assert_equal(result, results[0])
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_every_way_is_reached(limits, monkeypatch) -> None:
    """The ways that the test above is about: each with a layer that must take it."""
    seen = set()
    fill, flat, once, plan = (
        sweep.fill,
        gather._copy_flat,
        gather._copy_at_once,
        sweep.plan_stacks,
    )

    def watched_fill(plan, lines, U, piece, scratch):
        S = fill(plan, lines, U, piece, scratch)
        seen.add("whole" if plan.whole else "row shift" if len(plan.groups) > 1 else "one group")
        seen.add("folded" if piece.images.stop - piece.images.start > 1 else "one image")
        seen.add("view of u" if np.may_share_memory(S, U) else "copied")
        return S

    def watched_flat(*args):
        seen.add("flat copy")
        flat(*args)

    def watched_once(*args):
        seen.add("copied at once")
        once(*args)

    def watched_plan(*args, **options):
        stacks = plan(*args, **options)
        seen.add("several stacks" if len(stacks) > 1 else "one stack")
        return stacks

    monkeypatch.setattr(sweep, "plan_stacks", watched_plan)
    monkeypatch.setattr(sweep, "fill", watched_fill)
    monkeypatch.setattr(tall, "plan_stacks", watched_plan)
    monkeypatch.setattr(tall, "fill", watched_fill)
    monkeypatch.setattr(gather, "_copy_flat", watched_flat)
    monkeypatch.setattr(gather, "_copy_at_once", watched_once)
    same = layer((4, 3, 5, 6), (4, 3, 3, 3), padding=1)
    strided = layer((4, 3, 9, 8), (4, 3, 3, 3), padding=1, stride=2)
    pointwise = layer((4, 3, 5, 6), (4, 3, 1, 1))
    for rows, narrow in ((1, 0), (1000, 0), (1, 1000)):
        limits(rows=rows, narrow=narrow, size=2**22)
        for case in (same, strided, pointwise):
            assert_equal(by_dense(case), by_loops(case))
    assert seen == {
        *("whole", "row shift", "one group", "one stack", "several stacks"),
        *("folded", "one image", "view of u", "copied", "flat copy"),
        "copied at once",
    }


LARGE = {
    "row shift": layer((6, 17, 23, 29), (19, 17, 3, 3), padding=1),
    "stride 2, leftover": layer(
        (3, 16, 32, 27), (24, 16, 3, 3), stride=2, padding=((1, 0), (0, 2))
    ),
    "stride 3, kernel 5": layer((2, 12, 31, 30), (9, 12, 5, 5), stride=3, padding=2),
    "dilated": layer((7, 16, 25, 24), (16, 16, 3, 3), dilation=(2, 3), padding=2),
    "pointwise": layer((15, 40, 29, 31), (24, 40, 1, 1)),
    "pointwise, stride 2": layer((24, 40, 29, 32), (24, 40, 1, 1), stride=2),
    "narrow planes": layer((7, 33, 7, 6), (31, 33, 3, 3), padding=1),
    "few channels": layer((2, 3, 41, 38), (32, 3, 7, 7), stride=2, padding=3),
    "few channels, narrow": layer((40, 3, 17, 16), (24, 3, 5, 5), stride=2, padding=2),
    "depthwise": layer((6, 24, 22, 21), (24, 1, 3, 3), padding=1, groups=24),
    "depthwise, stride 2": layer((6, 24, 22, 21), (24, 1, 3, 3), padding=1, stride=2, groups=24),
    "depthwise, several images a piece": layer(
        (18, 16, 14, 15), (16, 1, 3, 3), padding=1, stride=(1, 2), groups=16
    ),
    "depthwise, one dimension": layer((6, 24, 2500), (24, 1, 9), padding=4, groups=24),
    "depthwise, three dimensions": layer(
        (2, 24, 11, 12, 13), (48, 1, 3, 3, 3), padding=1, stride=(1, 2, 1), groups=24
    ),
    "depthwise, dilated": layer((6, 24, 24, 25), (24, 1, 3, 3), padding=2, dilation=2, groups=24),
    "depthwise, rows unevenly apart": layer(
        (6, 24, 41, 22), (24, 1, 3, 3), padding=2, stride=(2, 1), dilation=(3, 1), groups=24
    ),
    "few filters": layer((3, 40, 21, 22), (2, 40, 3, 3), padding=1),
    "stride and dilation": layer((5, 14, 33, 30), (12, 14, 3, 3), stride=2, dilation=3),
    "stride beyond the kernel": layer((12, 14, 33, 30), (12, 14, 2, 2), stride=3),
    "lines that would alias": layer((3, 20, 1024), (22, 20, 9), padding=4),
    "groups": layer((6, 24, 20, 21), (36, 8, 3, 2), padding=1, groups=3),
    "one dimension": layer((9, 20, 301), (22, 20, 9), padding=4),
    "three dimensions": layer((3, 9, 9, 10, 11), (12, 9, 3, 2, 3), padding=1),
}


@pytest.mark.parametrize("case", LARGE.values(), ids=LARGE.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chosen_as_it_stands(case, dtype, monkeypatch) -> None:
    """Layers large enough for the fast kernels with no limit touched, exact on whole numbers; the
    products in tiles, and whole.

    The truth here is ``taps``, itself held to the loops above; a loop in Python would take minutes.
    """
    monkeypatch.setattr(tiles, "tiled", lambda: dtype is np.float32)
    X, W, b, dY = case.floats(dtype)
    assert not windows.small(case.geometry)
    Y, dX, dW = (np.full_like(array, np.nan) for array in (dY, X, W))
    kernels.forward(X, W, b, case.geometry, Y)
    kernels.backward(X, W, dY, case.geometry, dX, dW)
    exact = case.floats()
    truth = (
        taps.forward(exact[0], exact[1], case.geometry)
        + exact[2].reshape(-1, *(1,) * case.geometry.dims),
        taps.grad_input(exact[1], exact[3], case.geometry),
        taps.grad_weight(exact[0], exact[3], case.geometry),
    )
    assert_equal((Y, dX, dW), truth)


def test_db_of_a_large_layer() -> None:
    case = LARGE["row shift"]
    found = conv_backward(*case.floats(np.float32)[:2], case.dY.astype(np.float32), padding=1)
    np.testing.assert_array_equal(found.db, case.dY.sum(axis=(0, 2, 3)))


@pytest.mark.parametrize("name", ["row shift", "narrow planes", "few channels", "depthwise"])
def test_independent_of_the_number_of_threads(name, monkeypatch) -> None:
    """One, two or three workers: the same up to rounding (sums are split in other places)."""
    case = LARGE[name]
    chance = np.random.default_rng(1)
    X, W, b, dY = (
        chance.standard_normal(array.shape) for array in (case.X, case.W, case.b, case.dY)
    )
    results = []
    for count in (1, 2, 3):
        for module in (workers, pieces, sweep, tall, depthwise, dense):
            monkeypatch.setattr(module, "worker_count", lambda count=count: count)
        Y, dX, dW = np.empty_like(dY), np.empty_like(X), np.empty_like(W)
        dense.forward(X, W, b, case.geometry, Y)
        dense.backward(X, W, dY, case.geometry, dX, dW)
        results.append((Y, dX, dW))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-13 * np.abs(one).max())


def test_phases_take_no_more_room_than_a_stack(monkeypatch) -> None:
    """With a stride of 8, the 64 phases of dX are 64 times the stack of dY."""
    monkeypatch.setattr(depthwise, "PIECE_BYTES", 2**18)
    case = layer((1, 4, 512, 512), (4, 1, 8, 8), stride=8, groups=4)
    X, W, _, dY = case.floats(np.float32)
    dX, dW = np.empty_like(X), np.empty_like(W)
    dense.backward(X, W, dY, case.geometry, dX, dW)
    tracemalloc.start()
    dense.backward(X, W, dY, case.geometry, dX, dW)
    beyond = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert beyond < X.nbytes / 2


def test_many_groups_of_narrow_planes_are_taken_some_at_a_time(monkeypatch) -> None:
    monkeypatch.setattr(depthwise, "PIECE_BYTES", 2**18)
    case = layer((1, 256, 12, 12), (256, 1, 11, 11), padding=5, groups=256)
    X, W, _, dY = case.floats(np.float32)
    dX, dW = np.full_like(X, np.nan), np.full_like(W, np.nan)
    tracemalloc.start()
    dense.backward(X, W, dY, case.geometry, dX, dW)
    beyond = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    whole_stack = X.nbytes * 11 * 11
    assert beyond < whole_stack / 4
    np.testing.assert_array_equal(dX, taps.grad_input(W, dY, case.geometry))
    np.testing.assert_array_equal(dW, taps.grad_weight(X, dY, case.geometry))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own(monkeypatch) -> None:
    monkeypatch.setattr(workers, "worker_count", lambda: 2)
    done: list[int] = []
    workers.share_out(lambda item, worker, scratch: done.append(item), [1, 2, 3])
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)
            workers.share_out(lambda item, worker, scratch: done.append(item), [4, 5, 6])
        finally:
            os._exit(0 if sorted(done) == [1, 2, 3, 4, 5, 6] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_long_sums_are_added_up_in_parts() -> None:
    """In float32, 2^24 + 1 is 2^24: one by one, no 1 would arrive; a sum of ones does."""
    rows = products.LONGEST
    assert products.longest_sum(np.dtype(np.float32), 64) == rows
    assert products.longest_sum(np.dtype(np.float64), 64) < rows
    factor = np.ones((1, 16, 3 * rows), np.float32)
    seen = np.zeros((1, 3 * rows, 200), np.float32)
    seen[:, 0], seen[:, rows:] = 2**24, 1
    total = np.empty((1, 16, 200), np.float32)
    scratch = workers.Scratch()
    products.add_product(total, factor, seen, scratch, longest=rows, empty=True)
    np.testing.assert_array_equal(total, np.float32(2**24 + 2 * rows))
    products.add_product(total, factor[..., :1], seen[:, :1], scratch, longest=rows, empty=False)
    np.testing.assert_array_equal(total, np.float32(2**25 + 2 * rows))


def test_a_failing_piece_stops_the_others(monkeypatch) -> None:
    monkeypatch.setattr(workers, "worker_count", lambda: 2)
    done = []

    def job(item: int, worker: int, scratch: workers.Scratch) -> None:
        time.sleep(0.001)
        if item == 3:
            raise KeyboardInterrupt
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        workers.share_out(job, range(1000))
    assert len(done) < 100
    workers.share_out(lambda item, worker, scratch: done.append(-1), range(4))
    assert done.count(-1) == 4


@settings(SETTINGS, max_examples=40)
@given(case=layers(dims=2), data=st.data())
def test_non_finite_numbers_spread_along_the_terms_only(case, data) -> None:
    """Infinities and NaN give what the plain loops give: padding makes no 0 * inf."""
    X, W, b, dY = (array.copy() for array in case.floats())
    value = data.draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    array = data.draw(st.sampled_from([X, W, dY]))
    array.flat[data.draw(st.integers(0, array.size - 1))] = value
    Y, dX, dW = (np.full_like(array, 7) for array in (dY, X, W))
    kernels.forward(X, W, b, case.geometry, Y)
    kernels.backward(X, W, dY, case.geometry, dX, dW)
    expected = reference.conv_forward(X, W, b, **case.options)
    gradients = reference.conv_backward(X, W, dY, **case.options)
    np.testing.assert_array_equal(Y, expected)
    np.testing.assert_array_equal(dX, gradients[0])
    np.testing.assert_array_equal(dW, gradients[1])


@pytest.mark.parametrize(
    "name", ["row shift", "few channels, narrow", "depthwise", "depthwise, stride 2"]
)
@pytest.mark.parametrize("where", ["X", "W", "dY"])
def test_non_finite_numbers_in_large_layers(where, name) -> None:
    """The fast kernels pad with zeros; an infinity at the edge must not meet them.

    With no zero among the numbers there is no term 0 * inf, so nothing may become NaN.
    """
    case = LARGE[name]
    X, W, b, dY = (np.where(array == 0, 1, array) for array in case.floats())
    {"X": X, "W": W, "dY": dY}[where][0, 0, 0, 0] = np.inf
    Y, dX, dW = (np.full_like(array, 7) for array in (dY, X, W))
    kernels.forward(X, W, b, case.geometry, Y)
    kernels.backward(X, W, dY, case.geometry, dX, dW)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(dX, taps.grad_input(W, dY, case.geometry))
        np.testing.assert_array_equal(dW, taps.grad_weight(X, dY, case.geometry))
    assert not np.isnan(Y).any()
    assert not np.isnan(dX).any()
    assert not np.isnan(dW).any()
