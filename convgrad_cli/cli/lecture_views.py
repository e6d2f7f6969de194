"""The lectures' views of a convolution, computed: padding, stride, windows as rows, Toeplitz.

Every view is a second road to the layer, kept step by step, in symbols and (where there are any)
numbers; it says whether it led to the same. ``--view`` and the steps of ``derive`` both come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same
from convgrad_cli.cli.lecture_seen import Seen, compared, itself, shown, with_symbols
from convgrad_cli.derivation.steps import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convgrad_cli.derivation import Notation
    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]


def conv_views(
    plan: Any,
    names: Sequence[str],
    notation: Notation | None = None,
    *,
    X: Any = None,
    W: Any = None,
    b: Any = None,
    dY: Any = None,
    back: bool = True,
) -> list[Any]:
    """The views asked for, of arrays in the plan's ranks and layouts; shapes alone give symbols."""
    if not names:
        return []
    from convgrad_cli.derivation import NOTATIONS

    seen = Seen(
        plan,
        notation or NOTATIONS["slides"],
        None if X is None else plan.X.to_canonical(X),
        None if W is None else plan.W.to_canonical(W),
        None if b is None else b.reshape(-1),
        None if dY is None else plan.canonical_upstream(dY),
        back,
    )
    return [_MAKERS[name](seen) for name in names]


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


def _padding(seen: Seen) -> Any:
    """L10: the padding put on, its gradient computed, and deleted."""
    from convgrad_cli.derivation import roads
    from convgrad_cli.layers import strided
    from convgrad_cli.render.views import View

    geometry = seen.plan.geometry
    data: dict[str, Any] = {"padding": geometry.padding}
    if seen.forward:
        data["padded"] = strided.forward(seen.X, seen.W, seen.b, geometry).padded
    if seen.backward:
        back = strided.backward(seen.X, seen.W, seen.dY, geometry)
        data |= {"padded_gradient": back.padded_gradient, "dX": back.dX}
    shape = (*geometry.input_shape[:2], *(axis.padded for axis in geometry.axes))
    outside = _outside(geometry)

    def symbols(script: str) -> dict[str, Symbols]:
        found = {"padded": seen.symbols(script, "X", shape, lambda at: roads.padded(geometry, at))}
        if seen.back:
            found["padded_gradient"] = seen.symbols(
                script, "X", shape, lambda at: roads.padded_gradient(geometry, at), gradient=True
            )
            found["dX"] = seen.symbols(script, "X", geometry.input_shape, itself, gradient=True)
        return found

    def write(pen: Any) -> Any:
        written = symbols(pen.script)
        sides = ", ".join(
            f"{before} before and {after} after" for before, after in geometry.padding
        )
        if any(side for pair in geometry.padding for side in pair):
            yield pen.sentence(f"Zeros around X ({sides}, per dimension), marked here:")
        else:
            yield pen.sentence("This layer has no padding: nothing is added and nothing deleted.")
        yield from pen.both("X padded", written["padded"], shown(data, "padded"), outside)
        if seen.back:
            yield pen.sentence(
                "On the way back the padded map has a gradient too; the part that belongs to the "
                "padding (marked) is deleted, for nothing lies under it:"
            )
            gradient = shown(data, "padded_gradient")
            yield from pen.both("d(X padded)", written["padded_gradient"], gradient, outside)
            yield from pen.both("dX", written["dX"], shown(data, "dX"))

    return View(
        "padding", "Zero padding, and its gradient deleted", write, with_symbols(data, symbols)
    )


def _stride(seen: Seen) -> Any:
    """L11: stride-1 convolution then downsample; upsample then stride-1 backward."""
    from convgrad_cli.derivation import roads
    from convgrad_cli.geometry.strided import stride_one_geometry
    from convgrad_cli.render.views import View

    geometry = seen.plan.geometry
    longer = stride_one_geometry(geometry).output_shape
    data = _stride_numbers(seen)
    kept = _every(geometry.stride, longer)

    def symbols(script: str) -> dict[str, Symbols]:
        found = {
            "stride_one": seen.symbols(
                script, "Y", longer, lambda i: roads.stride_one(geometry, i)
            ),
            "Y": seen.symbols(script, "Y", geometry.output_shape, itself),
        }
        if seen.back:
            found |= {
                "upsampled": seen.symbols(
                    script, "Y", longer, lambda i: roads.upsampled(geometry, i), gradient=True
                ),
                "dX": seen.symbols(script, "X", geometry.input_shape, itself, gradient=True),
                "dW": seen.symbols(script, "W", geometry.filter_shape, itself, gradient=True),
            }
        return found

    def write(pen: Any) -> Any:
        written = symbols(pen.script)

        def drawn(label: str, name: str, marked: Any = None) -> Any:
            return pen.both(label, written[name], shown(data, name), marked)

        yield pen.sentence(
            "Forward: convolve with stride 1, then downsample, that is keep every s-th entry "
            "(marked; the others are thrown away):"
        )
        yield from drawn("Y, stride 1", "stride_one", kept)
        yield from drawn("Y", "Y")
        if seen.back:
            yield pen.sentence(
                "Backward: upsample the derivative map (zeros between and after its entries), "
                "then go back with stride 1:"
            )
            yield from drawn("dY upsampled", "upsampled", kept)
            yield from drawn("dX", "dX")
            yield from drawn("dW", "dW")
        yield compared(pen, data, lambda: roads.agrees(geometry), "the strided convolution")

    return View("stride", "Stride as downsampling", write, with_symbols(data, symbols))


def _stride_numbers(seen: Seen) -> dict[str, Any]:
    """The maps of the road, and whether they are the strided convolution's own."""
    from convgrad_cli.layers import conv, strided

    geometry = seen.plan.geometry
    data: dict[str, Any] = {}
    X, W, b, dY = seen.X, seen.W, seen.b, seen.dY
    if seen.forward:
        road = strided.forward(X, W, b, geometry)
        agrees = [same(road.Y, conv.forward(X, W, b, geometry))]
        data = {"stride_one": road.stride_one, "Y": road.Y}
        if seen.backward:
            back = strided.backward(X, W, dY, geometry)
            agrees.append(same(back.dX, conv.grad_input(W, dY, geometry)))
            agrees.append(same(back.dW, conv.grad_weight(X, dY, geometry)))
            data |= {"upsampled": back.upsampled, "dX": back.dX, "dW": back.dW}
        data["agrees"] = all(agrees)
    return data


def _vectorized(seen: Seen) -> Any:
    """L16: Q and its index map, Z = Q·W, dW = Qᵀ·dZ, dQ = dZ·Wᵀ, col2im."""
    from convgrad_cli.cli.lecture_matrices import vectorized_view

    return vectorized_view(seen)


def _toeplitz(seen: Seen) -> Any:
    """L16: the convolution as one sparse matrix T."""
    from convgrad_cli.cli.lecture_toeplitz import toeplitz_view

    return toeplitz_view(seen)


_MAKERS: dict[str, Callable[[Seen], Any]] = {
    "padding": _padding,
    "stride": _stride,
    "vectorized": _vectorized,
    "toeplitz": _toeplitz,
}
assert _MAKERS.keys() == set(VIEWS)


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

    def marked(row: int, column: int) -> bool:
        return row % steps[0] == 0 and column % steps[1] == 0

    return marked
