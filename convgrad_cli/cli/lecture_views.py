"""The lectures' views of a convolution, computed: padding, stride, windows as rows, Toeplitz.

Every view is a second road to the layer, kept step by step, in symbols and (where there are any)
numbers; it says whether it led to the same. ``--view`` and the steps of ``derive`` both come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same, verdict, without_ones
from convgrad_cli.derivation.steps import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convgrad_cli.derivation import Notation
    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]


_DOTS = {"unicode": "·", "ascii": ".", "latex": r"\cdot"}
"""An entry that is thrown away; JSON has null."""
MOST_COMPARED = 200_000
"""Entries of a matrix up to which its terms are compared with the equations'."""


@dataclass(frozen=True)
class Seen:
    """A convolution to be viewed: its plan, its letters, and the canonical arrays there are.

    back: whether the way back is shown too; without numbers it always can be.
    """

    plan: Any
    notation: Notation
    X: Any = None
    W: Any = None
    b: Any = None
    dY: Any = None
    back: bool = True

    @property
    def forward(self) -> bool:
        """Whether Y can be computed."""
        return self.X is not None and self.W is not None

    @property
    def backward(self) -> bool:
        """Whether the gradients can be computed."""
        return self.forward and self.dY is not None

    def writer(self, script: str) -> Any:
        """Spells the layer's entries in a script."""
        from convgrad_cli.derivation import Names, TracedConv, Writer

        return Writer(Names(self.notation, TracedConv(self.plan)), script)

    def symbols(
        self,
        script: str,
        role: str,
        shape: Sequence[int],
        source: Callable[[Index], Any],
        *,
        gradient: bool = False,
    ) -> Symbols:
        """An array of which ``source`` tells the entry of ``role`` that stands at a place.

        Leading axes of one entry are left out, as in the numbers beside it.
        """
        from convgrad_cli.derivation.roads import DELETED
        from convgrad_cli.render.views import Symbols

        writer = self.writer(script)
        write = writer.gradient if gradient else writer.entry
        full = tuple(shape)
        while len(full) > 2 and full[0] == 1:
            full = full[1:]
        lead = (0,) * (len(shape) - len(full))

        def cell(place: Index) -> str | None:
            found = source((*lead, *place))
            if found == DELETED:
                return _DOTS.get(script)
            return "0" if found is None else str(write(role, found))

        return Symbols(full, cell)


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
        yield from pen.both("X padded", written["padded"], _shown(data, "padded"), outside)
        if seen.back:
            yield pen.sentence(
                "On the way back the padded map has a gradient too; the part that belongs to the "
                "padding (marked) is deleted, for nothing lies under it:"
            )
            gradient = _shown(data, "padded_gradient")
            yield from pen.both("d(X padded)", written["padded_gradient"], gradient, outside)
            yield from pen.both("dX", written["dX"], _shown(data, "dX"))

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
            return pen.both(label, written[name], _shown(data, name), marked)

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


def compared(
    pen: Any, data: dict[str, Any], terms: Callable[[], bool], other: str, size: int = 0
) -> Any:
    """The verdict about the numbers; without them, about the terms, if they are not too many."""
    if "agrees" in data:
        return verdict(pen, data["agrees"], other)
    if size > MOST_COMPARED:
        return pen.sentence("The terms are too many to be compared with the equations' here.")
    words = "exactly the terms of" if terms() else "OTHER terms than"
    return pen.sentence(f"Checked: this road multiplies {words} {other}.")


def with_symbols(
    data: dict[str, Any], symbols: Callable[[str], dict[str, Symbols]]
) -> dict[str, Any]:
    """The data with the symbols, in names that SymPy reads."""
    written = symbols("expression")
    return {**data, "symbols": {name: each.nested() for name, each in written.items()}}


def _shown(data: dict[str, Any], name: str) -> Any:
    return without_ones(data[name]) if name in data else None


def itself(index: Index) -> Index:
    return index


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
