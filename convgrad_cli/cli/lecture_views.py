"""The lectures' views of a convolution, computed: padding, stride, windows as rows, Toeplitz.

Every view is a second road to the layer's numbers, kept step by step; it says whether it led to
the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same, verdict, without_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VIEWS = ("padding", "stride", "vectorized", "toeplitz")


def conv_views(plan: Any, names: Sequence[str], X: Any, W: Any, b: Any, dY: Any) -> list[Any]:
    """The views asked for; the backward half only where there is an upstream gradient dY."""
    if not names:
        return []
    canonical = (
        plan.X.to_canonical(X),
        plan.W.to_canonical(W),
        None if b is None else b.reshape(-1),
        None if dY is None else plan.canonical_upstream(dY),
    )
    return [_MAKERS[name](plan, *canonical) for name in names]


def pull_back_view(names: Sequence[str], W: Any, shares: Any, dW: Any) -> Any:
    """Each transform: T·W, the gradient of T·W, and that gradient pulled back to W (L14)."""
    from convgrad_cli.layers.transforms import TRANSFORM
    from convgrad_cli.render.views import View

    filters = [TRANSFORM[name].apply(W) for name in names]

    def write(pen: Any) -> Any:
        yield pen.sentence(
            "One filter W, a map for each transform T. The gradient of T·W is pulled back through "
            "T: a rotation or reflection is undone, scale2 sums each 2×2 block."
        )
        for name, TW, (share, pulled) in zip(names, filters, shares, strict=True):
            yield pen.sentence(f"{name}:")
            yield from pen.matrices("T·W", TW)
            yield from pen.matrices("d(T·W)", share)
            yield from pen.matrices("T*·d(T·W)", pulled)
        yield pen.sentence("dW is their sum:")
        yield from pen.matrices("dW", dW)

    data = {
        name: {"filter": TW, "gradient": share, "pulled_back": pulled}
        for name, TW, (share, pulled) in zip(names, filters, shares, strict=True)
    }
    return View("transforms", "Transforms of the filter", write, data)


def _padding(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """L10: the padding put on, its gradient computed, and deleted."""
    from convgrad_cli.layers import strided
    from convgrad_cli.render.views import View

    geometry = plan.geometry
    padded = strided.forward(X, W, b, geometry).padded
    back = None if dY is None else strided.backward(X, W, dY, geometry)
    outside = _outside(geometry)
    data: dict[str, Any] = {"padding": geometry.padding, "padded": padded}
    if back is not None:
        data |= {"padded_gradient": back.padded_gradient, "dX": back.dX}

    def write(pen: Any) -> Any:
        sides = ", ".join(
            f"{before} before and {after} after" for before, after in geometry.padding
        )
        yield pen.sentence(f"Zeros around X ({sides}, per dimension), marked here:")
        yield from pen.matrices("X padded", without_ones(padded), outside)
        if back is not None:
            yield pen.sentence(
                "On the way back the padded map has a gradient too; the part that belongs to the "
                "padding (marked) is deleted, for nothing lies under it:"
            )
            yield from pen.matrices("d(X padded)", without_ones(back.padded_gradient), outside)
            yield from pen.matrices("dX", without_ones(back.dX))

    return View("padding", "Zero padding, and its gradient deleted", write, data)


def _stride(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """L11: stride-1 convolution then downsample; upsample then stride-1 backward."""
    import numpy as np

    from convgrad_cli.layers import conv, strided
    from convgrad_cli.render.views import View

    geometry = plan.geometry
    road = strided.forward(X, W, b, geometry)
    agrees = [same(road.Y, conv.forward(X, W, b, geometry))]
    data: dict[str, Any] = {"stride_one": road.stride_one, "Y": road.Y}
    back = None
    if dY is not None:
        back = strided.backward(X, W, dY, geometry)
        agrees.append(same(back.dX, conv.grad_input(W, dY, geometry)))
        agrees.append(same(back.dW, conv.grad_weight(X, dY, geometry)))
        data |= {"upsampled": back.upsampled, "dX": back.dX, "dW": back.dW}
    data["agrees"] = all(agrees)
    kept = _every(geometry.stride, np.shape(road.stride_one))

    def write(pen: Any) -> Any:
        yield pen.sentence(
            "Forward: convolve with stride 1, then downsample, that is keep every s-th entry "
            "(marked):"
        )
        yield from pen.matrices("Y, stride 1", without_ones(road.stride_one), kept)
        yield from pen.matrices("Y", without_ones(road.Y))
        if back is not None:
            yield pen.sentence(
                "Backward: upsample the derivative map (zeros between and after its entries), "
                "then go back with stride 1:"
            )
            yield from pen.matrices("dY upsampled", without_ones(back.upsampled), kept)
            yield from pen.matrices("dX", without_ones(back.dX))
            yield from pen.matrices("dW", without_ones(back.dW))
        yield verdict(pen, data["agrees"], "the strided convolution")

    return View("stride", "Stride as downsampling", write, data)


def _vectorized(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """L16: Q and its index map, Z = Q·W, dW = Qᵀ·dZ, dQ = dZ·Wᵀ, col2im."""
    from convgrad_cli.cli.lecture_matrices import vectorized_view

    return vectorized_view(plan, X, W, b, dY)


def _toeplitz(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """L16: the convolution as one sparse matrix T."""
    from convgrad_cli.cli.lecture_matrices import toeplitz_view

    return toeplitz_view(plan, X, W, b, dY)


_MAKERS: dict[str, Callable[..., Any]] = {
    "padding": _padding,
    "stride": _stride,
    "vectorized": _vectorized,
    "toeplitz": _toeplitz,
}


def _outside(geometry: Any) -> Callable[[int, int], bool]:
    """Which cells of a padded plane are padding."""
    sides = [(axis.before, axis.before + axis.size) for axis in geometry.axes[-2:]]
    if len(sides) == 1:
        sides = [(-1, 10**9), *sides]

    def marked(row: int, column: int) -> bool:
        return not all(
            low <= at < high for at, (low, high) in zip((row, column), sides, strict=True)
        )

    return marked


def _every(stride: Sequence[int], shape: Sequence[int]) -> Callable[[int, int], bool]:
    """Which cells of a stride-1 plane the stride keeps."""
    steps = tuple(stride)[-2:] if len(stride) > 1 else (1, stride[0])
    if len(stride) == 1 and len(shape) == 3 and shape[1] > 1:
        steps = (1, stride[0])

    def marked(row: int, column: int) -> bool:
        return row % steps[0] == 0 and column % steps[1] == 0

    return marked
