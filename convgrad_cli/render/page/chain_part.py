"""One layer of a chain as the page takes it: its tables' layer, its letters, its shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.dense import TracedDense, TracedFlatten
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.pointwise import plan_pointwise
from convgrad_cli.geometry.upsample import plan_upsample
from convgrad_cli.render.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.layers.chain import Step
    from convgrad_cli.render.page.chain_separable import Half, Shown


@dataclass(frozen=True)
class Part:
    """One layer of a chain: its step, its place, and the layer where it has a page of its own."""

    step: Step
    place: int
    notation: Notation
    layer: Layer | None
    called: str
    """The layer among the chain's: ``conv 0``, ``depthwise of separable 1``."""
    half: Half | None = None
    """Of a separable layer, which of its two convolutions this is."""

    @property
    def word(self) -> str:
        """The layer as the user calls it."""
        return self.step.node.word

    @property
    def names(self) -> dict[str, str]:
        """Which array of the page each of the layer's letters is."""
        k, pointwise = self.place, self.step.node.kind == "activation"
        into, out = ("Y", "A") if pointwise else ("X", "Y")
        names = {into: f"h{k}", f"d{into}": f"dh{k}", out: f"h{k + 1}", f"d{out}": f"dh{k + 1}"}
        if pointwise:
            names["derivative"] = f"slope{k}"
        if self.step.node.kind == "maxpool":
            names["switches"] = f"switches{k}"
        for letter in self.step.node.parameters:
            names |= {letter: f"{letter}{k}", f"d{letter}": f"d{letter}{k}"}
        return names

    @property
    def results(self) -> list[str]:
        """The arrays that the layer evaluates."""
        given = {*self.step.node.parameters, "X", "dY"}
        given = {"Y", "dA"} if self.step.node.kind == "activation" else given
        return [name for letter, name in self.names.items() if letter not in given]

    def own(self) -> dict[str, Any]:
        """The layer's arrays beside its maps: shape, leading axes, the user's order, numbers."""
        found: dict[str, Any] = {}
        side = self.shape("Y")
        for letter, name in self.names.items():
            if letter in ("derivative", "switches"):
                found[name] = (*side, self.order("Y"), None)
        for letter, values in self.step.node.parameters.items():
            shape, lead, order = values.shape, 0, list(range(values.ndim))
            if letter == "W" and self.layer is not None:
                plan: Any = self.layer.plan
                shape, lead, order = plan.geometry.filter_shape, 2, list(plan.W.order)
                order = order if self.half is None else list(self.half.axes)
                values = plan.W.to_canonical(values)
            if letter == "b":
                shape, order = (values.size,), [0]
            found[f"{letter}{self.place}"] = (shape, lead, order, values)
            found[f"d{letter}{self.place}"] = (shape, lead, order, None)
        return found

    @property
    def traced(self) -> Any:
        """The layer's tracer."""
        if self.layer is not None:
            return self.layer.traced
        X, parameters = self.step.X, self.step.node.parameters
        if self.step.node.kind == "flatten":
            return TracedFlatten(X.shape, self.step.Y.shape)
        return TracedDense(X.shape, parameters["W"].shape, "b" in parameters)

    def shape(self, side: str) -> tuple[tuple[int, ...], int]:
        """The canonical shape of X or Y, and how many of its axes lead."""
        if self.layer is not None:
            g: Any = self.layer.plan.geometry
            return (g.input_shape if side == "X" else g.output_shape), 2
        return _plain(getattr(self.step, side).shape)

    def order(self, side: str) -> list[int]:
        """The canonical axis of each axis the user's X or Y has."""
        if self.layer is not None:
            return list(getattr(self.layer.plan, side).order)
        shape = getattr(self.step, side).shape
        return list(range(len(_plain(shape)[0]) - len(shape), len(_plain(shape)[0])))


def part_of(shown: Shown, place: int, notation: Notation) -> Part:
    """One step's part. Raises UsageError for a layer without tables, or with channels last."""
    step, node = shown.step, shown.step.node
    if node.kind not in _LAYERS and node.kind not in ("flatten", "dense"):
        raise UsageError(
            f"layers[{shown.origin}] ({node.word}) has no page.",
            expected=", ".join((*_LAYERS, "flatten", "dense")),
        )
    make = _LAYERS.get(node.kind)
    layer = None if make is None else make(step, notation)
    if layer is not None and list(layer.plan.X.order) != sorted(layer.plan.X.order):
        raise UsageError(
            f"layers[{shown.origin}] ({node.word}) has its channels last.",
            expected="channels first, in the page of a chain",
        )
    return Part(step, place, notation, layer, shown.called, shown.half)


def _filtered(step: Step, notation: Notation) -> Layer:
    node: Any = step.node
    arrays = {"X": step.X, **node.parameters, "dY": step.dY}
    return Layer(node.kind, node.plan, arrays, notation)


def _pool(step: Step, notation: Notation) -> Layer:
    node: Any = step.node
    ties, counting = getattr(node, "ties", "first"), getattr(node, "counting", False)
    arrays: Any = {"X": step.X, "dY": step.dY}
    return Layer(node.kind, node.plan, arrays, notation, ties, counting)


def _activation(step: Step, notation: Notation) -> Layer:
    node: Any = step.node
    plan, arrays = plan_pointwise(step.X.shape), {"Y": step.X, "dA": step.dY}
    return Layer("activation", plan, arrays, notation, activation=node.activation)  # type: ignore[arg-type]


def _upsample(step: Step, notation: Notation) -> Layer:
    node: Any = step.node
    plan = plan_upsample(step.X.shape, node.scale, node.mode, dims=len(node.scale))
    return Layer("upsample", plan, {"X": step.X, "dY": step.dY}, notation)  # type: ignore[dict-item]


_LAYERS: dict[str, Callable[[Step, Notation], Layer]] = {
    "conv": _filtered,
    "transposed": _filtered,
    "maxpool": _pool,
    "avgpool": _pool,
    "activation": _activation,
    "upsample": _upsample,
}


def _plain(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """A shape whose layer has no plan: (features,) as one sample; more than two axes lead."""
    if len(shape) == 1:
        return (1, *shape), 0
    return shape, max(0, len(shape) - 2)
