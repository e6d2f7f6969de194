"""The Python door of the tracer: ``derive``, from arrays or from shapes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.derivation import Derivation, canonical
from convgrad_cli.derivation.notation_known import notation_named
from convgrad_cli.derivation.pool import TracedAvgPool, TracedMaxPool
from convgrad_cli.derivation.transposed import TracedTransposed
from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.geometry import ConvPlan, PoolPlan, plan_conv, plan_pool
from convgrad_cli.geometry.transposed import plan_transposed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.derivation.model import Traced

LAYERS = ("conv", "maxpool", "avgpool")


def derive(
    *targets: str,
    layer: str = "conv",
    X: Any = None,
    W: Any = None,
    b: Any = None,
    dY: Any = None,
    input_shape: Sequence[int] | None = None,
    filter_shape: Sequence[int] | None = None,
    window: int | Sequence[int] | None = None,
    with_bias: bool = False,
    ties: str = "first",
    count_include_pad: bool = False,
    notation: str = "slides",
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
    **geometry: Any,
) -> Derivation:
    """The equations of a layer: dW, dX, db (or a pool's dX) unless targets are named.

    Give arrays (X, W, b, dY), or ``input_shape`` and ``filter_shape`` alone; a max pool needs X.
    ``geometry``: stride, padding, dilation, dims, layout; for a convolution also groups,
    filter_order, output_size; for a pool ceil_mode; for a transposed convolution groups,
    output_padding, output_size. Raises a ConvgradError for what fits no layer.

        >>> print(derive("dX[1,1]", input_shape=(3, 3), filter_shape=(2, 2)))
        ∂L/∂X22 = ∂L/∂O11·F22 + ∂L/∂O12·F21 + ∂L/∂O21·F12 + ∂L/∂O22·F11
    """
    arrays = _as_arrays(X=X, W=W, b=b, dY=dY)
    x_shape = _shape("X", arrays.get("X"), input_shape, "input_shape")
    traced: TracedConv | TracedTransposed | TracedMaxPool | TracedAvgPool
    if layer == "conv":
        w_shape = _shape("W", arrays.get("W"), filter_shape, "filter_shape")
        plan = plan_conv(x_shape, w_shape, **geometry)
        traced = trace_conv(plan, bias=with_bias or "b" in arrays)
    elif layer == "transposed":
        w_shape = _shape("W", arrays.get("W"), filter_shape, "filter_shape")
        traced = TracedTransposed(
            plan_transposed(x_shape, w_shape, **geometry), with_bias or "b" in arrays
        )
    else:
        _no_filter(arrays, filter_shape)
        pool = plan_pool(x_shape, _window(window), **geometry)
        traced = trace_pool(
            layer, pool, arrays.get("X"), ties=ties, count_include_pad=count_include_pad
        )
    if "dY" in arrays:
        traced.plan.check_upstream(arrays["dY"].shape)
    if isinstance(traced, TracedConv | TracedTransposed) and "b" in arrays:
        traced.plan.check_bias(arrays["b"].shape)
    chosen = notation_named(notation, symbols, base)
    return Derivation.of(
        traced, targets or default_targets(traced), chosen, canonical(traced, arrays)
    )


def trace_conv(plan: ConvPlan, *, bias: bool = False) -> TracedConv:
    """The tracer of a planned convolution; ``bias`` puts b into the forward equations."""
    return TracedConv(plan, bias)


def trace_pool(
    layer: str,
    plan: PoolPlan,
    X: Any = None,
    *,
    ties: str = "first",
    count_include_pad: bool = False,
) -> TracedMaxPool | TracedAvgPool:
    """The tracer of a planned pool; X as given (its rank and layout), needed by a max pool only."""
    if layer == "avgpool":
        return TracedAvgPool(plan, count_include_pad)
    if layer != "maxpool":
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(LAYERS)}")
    if X is None:
        raise UsageError(
            "A max pool's derivation needs X: which element is the maximum decides its terms.",
            remedy="give X, not only its shape",
        )
    return TracedMaxPool(plan, plan.X.to_canonical(X), ties)


def default_targets(traced: Traced) -> tuple[str, ...]:
    """Every gradient, dW dX db (of an activation dY)."""
    order = ("dY", "dW", "dX", "db")
    return tuple(target for target in order if target in traced.targets)


def _as_arrays(**given: Any) -> dict[str, Any]:
    import numpy as np

    return {name: np.asarray(array) for name, array in given.items() if array is not None}


def _shape(name: str, array: Any, shape: Sequence[int] | None, option: str) -> tuple[int, ...]:
    if array is None and shape is None:
        raise UsageError(f"{name} is missing.", expected=f"{name}, or {option} alone", array=name)
    if array is not None and shape is not None and tuple(shape) != array.shape:
        raise ShapeError(
            f"{name} and {option} contradict each other.",
            expected=f"{tuple(shape)}   from {option}",
            found=str(array.shape),
            array=name,
        )
    return tuple(array.shape if array is not None else shape)  # type: ignore[arg-type]


def _window(window: int | Sequence[int] | None) -> int | Sequence[int]:
    if window is None:
        raise UsageError("A pool needs its window.", expected="window, such as 2 or (2, 3)")
    return window


def _no_filter(arrays: Mapping[str, Any], filter_shape: Sequence[int] | None) -> None:
    if {"W", "b"} & arrays.keys() or filter_shape is not None:
        raise UsageError("A pool has no filter and no bias.", expected="X, window and dY")
