"""Transforms of a square filter (lecture 12, "Transform invariance"): one filter, several maps.

A transform T is said once, as the place that each entry of T·W is copied from:

    (T·W)[p, q] = W[source(p, q)]

Each is therefore a linear map of the weights; its adjoint sums, for every weight, the entries
copied from it. The lecture's map is z(s,i,j) = Y · shift(T_s w, i, j): an ordinary convolution with
the filter T_s·W.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from convgrad_cli.errors import GeometryError, ShapeError, UsageError
from convgrad_cli.geometry.plan import ConvPlan, Plan
from convgrad_cli.geometry.planning import plan_conv
from convgrad_cli.geometry.ranks import ArrayLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Place = tuple[int, int]

_SOURCES: Final[dict[str, Callable[[int, int, int], tuple[int, int]]]] = {
    "identity": lambda p, q, k: (p, q),
    "rot90": lambda p, q, k: (q, k - 1 - p),  # counter-clockwise, as numpy.rot90
    "rot180": lambda p, q, k: (k - 1 - p, k - 1 - q),
    "rot270": lambda p, q, k: (k - 1 - q, p),
    "fliplr": lambda p, q, k: (p, k - 1 - q),
    "flipud": lambda p, q, k: (k - 1 - p, q),
    "transpose": lambda p, q, k: (q, p),
    "scale2": lambda p, q, k: (p // 2, q // 2),
}

TRANSFORMS: Final = tuple(_SOURCES)


def transform_names(words: str | Sequence[str]) -> tuple[str, ...]:
    """The transforms in ``words`` (``"identity,rot90"`` or a list), each known and given once.

    Raises UsageError naming the nearest known word.
    """
    names = words.split(",") if isinstance(words, str) else list(words)
    names = [str(name).strip() for name in names]
    for place, name in enumerate(names):
        if name not in _SOURCES:
            near = difflib.get_close_matches(name.lower(), TRANSFORMS, n=1)
            raise UsageError(
                f"Unknown transform {name!r}.",
                expected=f"one or more of {','.join(TRANSFORMS)}",
                remedy=f"did you mean {near[0]!r}?" if near else None,
            )
        if name in names[:place]:
            raise UsageError(f"The transform {name!r} is given twice.", found=",".join(names))
    return tuple(names)


def scale(name: str) -> int:
    """How much larger T·W is than W along each axis."""
    return 2 if name == "scale2" else 1


def source(name: str, place: tuple[int, int], kernel: int) -> tuple[int, int]:
    """The place in W that entry ``place`` of T·W is copied from; ``kernel`` is W's size."""
    return _SOURCES[name](*place, kernel)


def copies(name: str, place: tuple[int, int], kernel: int) -> list[tuple[int, int]]:
    """The entries of T·W copied from W[place], row-major: the adjoint sums over them."""
    size = kernel * scale(name)
    every = ((p, q) for p in range(size) for q in range(size))
    return [entry for entry in every if source(name, entry, kernel) == place]


@dataclass(frozen=True)
class TransformedGeometry:
    """One convolution per transform, all with the same output size; Y is (N, S, K, oH, oW)."""

    names: tuple[str, ...]
    maps: tuple[Any, ...]

    @property
    def filter_size(self) -> int:
        """The (square) filter's size before any transform."""
        return int(self.maps[0].kernel[0]) // scale(self.names[0])

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, H, W_in)."""
        return tuple(self.maps[0].input_shape)

    @property
    def filter_shape(self) -> tuple[int, ...]:
        """(K, C // groups, k, k), of the one filter."""
        return (*self.maps[0].filter_shape[:2], self.filter_size, self.filter_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, S, K, oH, oW)."""
        batch, *rest = self.maps[0].output_shape
        return (batch, len(self.names), *rest)

    @property
    def axes(self) -> Any:
        """The spatial axes of the first map."""
        return self.maps[0].axes

    def as_dict(self) -> dict[str, object]:
        """The contract's ``geometry`` object, of the first map, with the one filter's size."""
        return {**self.maps[0].as_dict(), "kernel": [self.filter_size] * 2}


@dataclass(frozen=True)
class TransformedPlan(Plan):
    """The plan of one filter under several transforms; Y has the S axis after N."""

    geometry: TransformedGeometry
    W: ArrayLayout
    plain: ConvPlan

    def check_upstream(self, shape: Sequence[int]) -> None:
        """Raise ShapeError unless ``shape`` is that of the stack of maps."""
        if tuple(shape) != self.output_shape:
            raise ShapeError(
                "dY has the wrong shape.",
                expected=f"{self.output_shape}   one map per transform "
                f"({','.join(self.geometry.names)}), on the axis after N",
                found=str(tuple(shape)),
                array="dY",
            )

    def check_bias(self, shape: Sequence[int]) -> None:
        """The maps share one bias, a number per filter."""
        self.plain.check_bias(shape)


def plan_transforms(
    x_shape: Sequence[int], w_shape: Sequence[int], names: Sequence[str], **options: Any
) -> TransformedPlan:
    """The plan of X convolved with every T_s·W; ``options`` as for :func:`plan_conv`.

    Raises GeometryError where the filter is not square or the maps have unequal sizes.
    """
    options = {**options, "dims": options.get("dims") or 2}
    plain = plan_conv(x_shape, w_shape, **{**options, "padding": "full", "output_size": None})
    if plain.geometry.dims != 2 or len(set(plain.geometry.kernel)) != 1:
        raise GeometryError(
            "Transforms need a square filter.",
            expected="a 2-D filter with as many rows as columns",
            found=f"{plain.geometry.kernel}   in W {tuple(w_shape)}",
            array="W",
            remedy="rotations and the transpose exchange rows and columns",
        )
    maps = tuple(_map_plan(x_shape, w_shape, plain.W, name, options) for name in names)
    _check_stack(names, maps)
    given = maps[0].Y.order
    leading = (0,) if 0 in given else ()
    rest = tuple(axis + 1 for axis in given if axis != 0)
    Y = ArrayLayout((*leading, 1, *rest), 5)
    geometry = TransformedGeometry(tuple(names), tuple(each.geometry for each in maps))
    return TransformedPlan(geometry, maps[0].X, Y, plain.W, maps[0])


def _map_plan(
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    W: ArrayLayout,
    name: str,
    options: dict[str, Any],
) -> ConvPlan:
    filters, channels, *kernel = W.canonical_shape(w_shape)
    scaled = [size * scale(name) for size in kernel]
    try:
        return plan_conv(x_shape, W.given_shape((filters, channels, *scaled)), **options)
    except GeometryError as error:
        if scale(name) == 1:
            raise
        raise GeometryError(
            f"The filter under {name} does not fit. {error.summary}",
            expected=error.expected,
            found=error.found,
            remedy=f"use --padding same: {name} makes the filter twice as large",
        ) from None


def _check_stack(names: Sequence[str], maps: Sequence[ConvPlan]) -> None:
    sizes = [each.geometry.output_size for each in maps]
    odd = next((place for place, size in enumerate(sizes) if size != sizes[0]), None)
    if odd is not None:
        raise GeometryError(
            "The maps of these transforms have different sizes, so they do not stack.",
            expected=f"{sizes[0]}   the map of {names[0]}",
            found=f"{sizes[odd]}   the map of {names[odd]}",
            remedy="use --padding same: scale2 makes the filter twice as large",
        )
