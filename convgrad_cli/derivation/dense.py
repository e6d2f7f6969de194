"""The equations of a chain's plain layers: fully connected, upsampling, flatten."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.geometry import ArrayLayout

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TracedDense:
    """Y[n,o] = sum over i of X[n,i] W[o,i] (+ b[o]), for X (N, in) or (in,), W (out, in)."""

    input_shape: Index
    filter_shape: Index
    bias: bool = False

    operation = "dense"
    upstream = "Y"
    targets = {"Y": "Y", "dW": "W", "dX": "X", "db": "b"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W, b and Y."""
        out, into = self.filter_shape
        batch = self.input_shape[0] if len(self.input_shape) == 2 else 1
        layout = ArrayLayout((0, 1) if len(self.input_shape) == 2 else (1,), 2)
        return {
            "X": Frame((batch, into), "nc", layout),
            "W": Frame((out, into), "kc", ArrayLayout((0, 1), 2)),
            "b": Frame((out,), "k", ArrayLayout((0,), 1)),
            "Y": Frame((batch, out), "nk", layout),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, in order of the index that is summed over."""
        out, into = self.filter_shape
        batch = self.frames["X"].shape[0]
        match target:
            case "Y":
                n, o = index
                for i in range(into):
                    yield Term(operand="X", index=(n, i), filter=(o, i))
                if self.bias:
                    yield Term(operand="b", index=(o,))
            case "dX":
                n, i = index
                for o in range(out):
                    yield Term((n, o), "W", (o, i))
            case "dW":
                o, i = index
                for n in range(batch):
                    yield Term((n, o), "X", (n, i))
            case "db":
                for n in range(batch):
                    yield Term((n, *index))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        forward = {"X", "W", "b"} if self.bias else {"X", "W"}
        used = {"Y": forward, "dW": {"dY", "X"}, "dX": {"dY", "W"}}
        return frozenset(used.get(target, {"dY"}))

    def count(self, target: str) -> int:
        """One product per sample and weight."""
        outputs = prod(self.frames["Y"].shape)
        if target == "db":
            return outputs
        return self.frames["X"].shape[0] * prod(self.filter_shape) + outputs * (
            target == "Y" and self.bias
        )


@dataclass(frozen=True)
class TracedUpsample:
    """Upsampling of the last ``len(scale)`` axes: nearest Y[i] = X[i // s], zeros Y[i·s] = X[i]."""

    input_shape: Index
    scale: Index
    nearest: bool = True
    layout: ArrayLayout | None = None
    """The user's, where ``input_shape`` is canonical; else the array is taken as it is."""

    operation = "upsample"
    upstream = "Y"
    targets = {"Y": "Y", "dX": "X"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X and Y."""
        rank = len(self.input_shape)
        layout = self.layout or ArrayLayout(tuple(range(rank)), rank)
        lead = rank - len(self.scale)
        grown = tuple(
            n * s if self.nearest else (n - 1) * s + 1
            for n, s in zip(self.input_shape[lead:], self.scale, strict=True)
        )
        kinds = "nc"[2 - lead :] + "s" * (rank - lead)
        return {
            "X": Frame(self.input_shape, kinds, layout),
            "Y": Frame((*self.input_shape[:lead], *grown), kinds, layout),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """One copy forward (none for an inserted zero); the block's sum on the way back."""
        lead = len(index) - len(self.scale)
        places = list(zip(index[lead:], self.scale, strict=True))
        if target == "Y":
            if self.nearest or all(i % s == 0 for i, s in places):
                yield Term(operand="X", index=(*index[:lead], *(i // s for i, s in places)))
            return
        reach = [range(i * s, i * s + (s if self.nearest else 1)) for i, s in places]
        for place in product(*reach):
            yield Term((*index[:lead], *place))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        return frozenset({"X" if target == "Y" else "dY"})

    def count(self, target: str) -> int:
        """One term per output that holds an input."""
        return prod(self.frames["Y"].shape if self.nearest else self.input_shape)


@dataclass(frozen=True)
class TracedFlatten:
    """The same elements in another shape: Y[n, flat] = X[n, …]."""

    input_shape: Index
    output_shape: Index

    operation = "flatten"
    upstream = "Y"
    targets = {"Y": "Y", "dX": "X"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, and Y with its samples where X has a batch axis."""
        kinds = {1: "s", 2: "ss", 3: "css", 4: "csss"}
        if len(self.output_shape) == 2:
            kinds = {2: "nc", 3: "ncs", 4: "ncss", 5: "ncsss"}
        named = (
            ("X", self.input_shape, kinds[len(self.input_shape)]),
            ("Y", self.output_shape, "nk"[2 - len(self.output_shape) :]),
        )
        return {
            name: Frame(shape, kind, ArrayLayout(tuple(range(len(shape))), len(shape)))
            for name, shape, kind in named
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The element that stands at the same flat place."""
        shapes = (self.output_shape, self.input_shape)
        here, there = shapes if target == "Y" else shapes[::-1]
        flat = 0
        for part, size in zip(index, here, strict=True):
            flat = flat * size + part
        other: list[int] = []
        for size in reversed(there):
            flat, part = divmod(flat, size)
            other.insert(0, part)
        if target == "Y":
            yield Term(operand="X", index=tuple(other))
        else:
            yield Term(tuple(other))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        return frozenset({"X" if target == "Y" else "dY"})

    def count(self, target: str) -> int:
        """One term an element."""
        return prod(self.input_shape)
