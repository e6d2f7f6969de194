"""Convolutions in blocks: the caller's own outputs, mapped files, progress, memory, Ctrl-C."""

from __future__ import annotations

import tracemalloc
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.errors import DataError
from convgrad_cli.geometry import plan_conv
from convgrad_cli.layers import stream
from convgrad_cli.layers.stream import backward_into, forward_into
from tests import reference
from tests.layers.conv_layers import layer, layers


@pytest.fixture
def one_image_blocks(monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1)
    monkeypatch.setattr(stream, "worker_count", lambda: 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=layers(), size=st.sampled_from([1, 300, 2000]))
def test_blocks_change_nothing(case, size) -> None:
    plan = plan_conv(case.X.shape, case.W.shape, dims=case.geometry.dims, **case.options)
    expected = reference.conv_backward(case.X, case.W, case.dY, **case.options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK_BYTES", size)
        found = backward_into(plan, case.X, case.W, case.dY)
        Y = forward_into(plan, case.X, case.W, case.b)
    for value, truth in zip(found, expected, strict=True):
        assert value.dtype == np.int64
        np.testing.assert_array_equal(value, truth)
    truth = reference.conv_forward(case.X, case.W, case.b, **case.options)
    np.testing.assert_array_equal(Y, truth)


CASE = layer((7, 5, 20, 21), (6, 5, 3, 3), padding=1, stride=(2, 1))
PLAN = plan_conv(CASE.X.shape, CASE.W.shape, padding=1, stride=(2, 1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_mapped_files_in_and_out(tmp_path, one_image_blocks, dtype) -> None:
    """X and dY read from maps, dX and Y written through maps: equal to the arrays in memory."""
    mapped = {}
    for name, array in (("X", CASE.X), ("dY", CASE.dY)):
        np.save(tmp_path / f"{name}.npy", array.astype(dtype))
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    dX = np.lib.format.open_memmap(tmp_path / "dX.npy", "w+", dtype, CASE.X.shape)
    Y = np.lib.format.open_memmap(tmp_path / "Y.npy", "w+", dtype, CASE.dY.shape)
    W, b = CASE.W.astype(dtype), CASE.b.astype(dtype)
    seen: list[tuple[int, int]] = []
    found = backward_into(
        PLAN, mapped["X"], W, mapped["dY"], dX=dX, progress=lambda *a: seen.append(a)
    )
    assert found.dX is dX
    assert forward_into(PLAN, mapped["X"], W, b, Y=Y) is Y
    assert seen == [(n, 7) for n in range(1, 8)]
    dX.flush()
    expected = backward_into(PLAN, CASE.X.astype(dtype), W, CASE.dY.astype(dtype))
    np.testing.assert_array_equal(np.load(tmp_path / "dX.npy"), expected.dX)
    np.testing.assert_array_equal(found.dW, expected.dW)
    np.testing.assert_array_equal(found.db, expected.db)
    np.testing.assert_array_equal(Y, forward_into(PLAN, CASE.X.astype(dtype), W, b))


def test_output_in_the_users_layout(one_image_blocks) -> None:
    """dX is written in channels-last order where X is."""
    last = (0, 2, 3, 1)
    plan = plan_conv(
        CASE.X.transpose(last).shape, CASE.W.shape, padding=1, stride=(2, 1), layout="nhwc"
    )
    X, W, _, dY = CASE.floats(np.float32)
    dX = np.full(X.transpose(last).shape, np.nan, np.float32)
    backward_into(plan, X.transpose(last), W, dY.transpose(last), dX=dX, only=["dX"])
    np.testing.assert_array_equal(dX.transpose(0, 3, 1, 2), backward_into(PLAN, X, W, dY).dX)


def test_floats_are_summed_in_float64_across_blocks(one_image_blocks) -> None:
    """2^24 + 1 + 1 … : float32 would lose every 1 of the later images."""
    count = 40
    X = np.ones((count, 1, 1), np.float32)
    X[0] = 2**24
    plan = plan_conv(X.shape, (1, 1, 1), dims=1)
    found = backward_into(plan, X, np.ones((1, 1, 1), np.float32), np.ones_like(X))
    assert found.dW.item() == np.float32(2**24 + count - 1) != 2**24
    assert found.dW.dtype == np.float32
    upstream = backward_into(plan, np.ones_like(X), np.ones((1, 1, 1), np.float32), X)
    assert upstream.db.item() == np.float32(2**24 + count - 1)


def test_integers_that_do_not_fit_the_given_array() -> None:
    plan = plan_conv((3,), (2,))
    W, dY = np.array([100, 100], np.int8), np.array([1, 1], np.int8)
    with pytest.raises(DataError, match="does not fit the array"):
        backward_into(plan, np.ones(3, np.int8), W, dY, dX=np.empty(3, np.int8))
    wide = np.empty(3, np.int64)
    backward_into(plan, np.ones(3, np.int8), W, dY, dX=wide)
    assert wide.tolist() == [100, 200, 100]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16])
def test_memory_does_not_grow_with_the_batch(monkeypatch, dtype) -> None:
    """Beyond the outputs, the peak is that of a block; tracemalloc sees every array of NumPy."""
    monkeypatch.setattr(stream, "BLOCK_BYTES", 2**20)
    beyond = []
    for batch in (40, 160):
        plan = plan_conv((batch, 8, 32, 32), (8, 8, 3, 3), padding=1)
        X = np.ones(plan.geometry.input_shape, dtype)
        W, dY = np.ones((8, 8, 3, 3), dtype), np.ones(plan.geometry.output_shape, dtype)
        # An output as the command line gives it: its own, here int64 for int16
        dX = np.empty(X.shape, np.int64 if dtype is np.int16 else dtype)
        tracemalloc.start()
        backward_into(plan, X, W, dY, dX=dX)
        beyond.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert beyond[1] < 1.3 * beyond[0] + 2**18
    assert beyond[1] < 24 * 2**20
    assert prod(X.shape) * X.itemsize > 2**21


def test_an_interruption_ends_the_work(one_image_blocks) -> None:
    X, W, _, dY = CASE.floats()

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backward_into(PLAN, X, W, dY, progress=interrupt)
    assert backward_into(PLAN, X, W, dY).dX.shape == X.shape
