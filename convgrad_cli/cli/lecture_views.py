"""The lectures' views of a convolution, computed: padding, stride, windows as rows, Toeplitz.

Every view is a second road to the layer, kept step by step, in symbols and (where there are any)
numbers; it says whether it led to the same. ``--view`` and the steps of ``derive`` both come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.cli.lecture_seen import Road
    from convgrad_cli.derivation import Notation


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
    return [_road(name)(seen).view() for name in names]


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


def _road(key: str) -> type[Road]:
    from convgrad_cli.cli import lecture_maps, lecture_matrices, lecture_toeplitz

    roads = (
        lecture_maps.PaddingRoad,
        lecture_maps.StrideRoad,
        lecture_matrices.VectorizedRoad,
        lecture_toeplitz.ToeplitzRoad,
    )
    return next(road for road in roads if road.key == key)
