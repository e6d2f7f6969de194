"""A layer with its data, as the checker sees it: everything a kind of layer has to say of itself.

A layer plugs in by being a :class:`Problem` (one module each: ``problem_conv``, ``problem_pool`` …)
and standing in the table of :mod:`convgrad_cli.check.kinds`. Comparison, diagnosis, places,
discriminating power and reports ask a problem and know no kind of layer.

``right`` comes from the layers, ``variant`` from the plain pipelines with stages changed. Arrays
are canonical; what can be checked is in ``targets``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.mistake import unmet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.compare import Noise
    from convgrad_cli.check.cutout import Cutout
    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import ArrayLayout

    Index = tuple[int, ...]
    Region = tuple[str, str, Array]

#: Multiply-adds of a matrix product in the time that one strided number takes to be moved.
MOVING = 10
SPATIAL = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
LINES = {1: ("position",), 2: ("row", "column"), 3: ("plane", "row", "column")}
LONG_NAMES = {"X": "input", "Z": "input", "W": "filter", "b": "bias"} | dict.fromkeys(
    ("dY", "dA"), "upstream"
)
LONG_NAMES |= {name: name for name in ("depthwise", "pointwise")}


class Problem:
    """What comparison, diagnosis, power and reports need of a layer; the rest has defaults."""

    layer: ClassVar[str]
    """Its name where ``--layer`` is taken."""
    article: ClassVar[str]
    """What an error calls it: ``A convolution``."""
    targets: ClassVar[tuple[str, ...]]
    """What can be checked, gradients first."""
    default_targets: ClassVar[tuple[str, ...]]
    """Whose discriminating power is asked for where nothing is said."""
    objects: ClassVar[Mapping[str, str]]
    """What each target is called: "your dX equals (the full convolution) with …"."""
    catalogue: ClassVar[Mapping[str, Row]]
    """The rows of the catalogue that are about this layer."""
    widest: ClassVar[frozenset[str]] = frozenset({"dX"})
    """The targets that lie on the side the windows slide over."""
    loose: ClassVar[frozenset[str]] = frozenset()
    """The targets whose axes of size 1 may be left out or added anywhere."""
    plan: Any

    @property
    def geometry(self) -> Any:
        """The layer's sizes."""
        return self.plan.geometry

    # ---- the numbers: every layer has its own

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        raise NotImplementedError

    def right(self, target: str) -> Array:
        """The right array, by the layers: floats in double precision, integers exactly."""
        raise NotImplementedError

    def magnitude(self, target: str) -> Array:
        """The sum of the absolute values of each element's terms: what rounding scales with."""
        raise NotImplementedError

    def terms(self, target: str) -> int:
        """The largest number of terms of an element."""
        raise NotImplementedError

    def cost(self, target: str) -> int:
        """The work of one variant, in multiply-adds."""
        raise NotImplementedError

    def mistakes(self, target: str) -> list[Mistake]:
        """The catalogue for ``target`` on this layer."""
        raise NotImplementedError

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given; none of them gives the right array."""
        raise NotImplementedError

    # ---- what most layers have in common

    def slack(self, target: str, epsilon: float) -> Array | float:
        """What rounding may change beyond the noise of sums: a jump at a kink."""
        return 0.0

    def free(self, target: str, causes: Sequence[Mistake]) -> bool:
        """Whether the variant costs nothing, as it only rearranges the right sums."""
        return False

    def order_last(self, target: str) -> bool:
        """Whether a change of the result's ``order`` comes after everything else."""
        return True

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """Smaller layers, the smallest first, on which a user's array is still fully determined;
        they lie where it differs (``mask``; None: its shape does)."""
        return iter(())

    def geometry_dict(self) -> dict[str, Any]:
        """The contract's ``geometry`` object."""
        return dict(self.geometry.as_dict())

    def settings(self) -> dict[str, Any]:
        """What the layer has beside its geometry, by its name in a bundle."""
        return {}

    def remarks(self, target: str, found: Array, noise: Noise, top: float) -> list[str]:
        """What an answer says of the layer's choices (a pool's ties)."""
        return []

    # ---- words

    def groups(self, target: str) -> tuple[int, int]:
        """How many groups the channels of ``target`` fall into, and along which axis."""
        return getattr(self.geometry, "groups", 1), 0 if target in ("dW", "db") else 1

    def rows(self, target: str) -> list[Row]:
        """The specific rows that can spoil ``target``."""
        return [row for row in self.catalogue.values() if target in row.targets]

    def rows_read(self, target: str) -> list[Row]:
        """Those that this layer, as it is, has readings of."""
        known = {mistake.id for mistake in self.mistakes(target)}
        return [row for row in Problem.rows(self, target) if row.id in known]

    def unmet(self, row: Row) -> list[str]:
        """What this layer lacks for the row's mistake to show, in words."""
        biased = getattr(self, "b", True) is not None
        return unmet(row, self.geometry) if biased else [*_no_bias(row), *unmet(row, self.geometry)]

    def axis_names(self, target: str) -> list[str]:
        """What the canonical axes of ``target`` are called."""
        if target == "db":
            return ["out-channel"]
        leading = ["filter", "in-channel"] if target == "dW" else ["batch", "channel"]
        return [*leading, *SPATIAL[self.geometry.dims]]

    def entry_names(self, target: str) -> list[str]:
        """What one entry along each canonical axis of ``target`` is called."""
        if target == "db":
            return ["out-channel"]
        leading = ["filter", "in-channel"] if target == "dW" else ["sample", "channel"]
        return [*leading, *LINES[self.geometry.dims]]

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """(name, words, mask) of regions of ``target``'s array where differences may live."""
        return iter(())

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """What a wrong size along a canonical axis tells."""
        return None

    def described(self, name: str) -> str | None:
        """What makes an operand say little, beyond what can be seen in any array."""
        return None

    # ---- the user's ranks

    def layout(self, name: str) -> ArrayLayout | None:
        """How the user's array ``name`` is laid out; None where it has one form only."""
        plan = self.plan
        layouts = {"X": plan.X, "dX": plan.X, "Y": plan.Y, "dY": plan.Y}
        weights = getattr(plan, "W", None)
        return (layouts | {"W": weights, "dW": weights}).get(name)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the layer's arrays as the user gave them, by the contract's long names."""
        shapes = {}
        for name, array in self.operands().items():
            layout = self.layout(name)
            shape = array.shape if layout is None else layout.given_shape(array.shape)
            shapes[LONG_NAMES[name]] = tuple(int(size) for size in shape)
        return shapes

    # ---- other data

    def enlarged(self) -> Any:
        """The same geometry with samples, channels and windows added where that helps; zeros."""
        raise NotImplementedError

    def telling(self, name: str, array: Array, rng: np.random.Generator) -> Array:
        """Numbers for the operand ``name`` in which mistakes show."""
        from convgrad_cli.check.suggest import distinct

        return distinct(rng, array.shape)

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle: arrays under the contract's names, and its options."""
        raise NotImplementedError

    # ---- equations

    def traced(self, target: str) -> Any:
        """The layer's tracer for ``target``."""
        raise NotImplementedError

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """Whether the mistaken element is a sum of products, maybe of none."""
        return True

    def traced_name(self, target: str) -> str:
        """What the tracer calls ``target``."""
        return target

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The products of the mistaken element; None where the layer is too large."""
        raise NotImplementedError


def _no_bias(row: Row) -> list[str]:
    return ["the layer has no bias"] if row.id in ("B4", "B5", "B6") else []


def precise(array: Array) -> Array:
    """Integers as they are, floats in double precision."""
    return array if array.dtype.kind in "iu" else array.astype(np.float64)


def merged(mistakes: Sequence[Mistake]) -> dict[str, Any]:
    """The changes of several mistakes together."""
    together: dict[str, Any] = {}
    for mistake in mistakes:
        together |= mistake.changes
    return together
