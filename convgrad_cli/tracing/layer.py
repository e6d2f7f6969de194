"""A layer planned from shapes; its stages once it is known which numbers there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.geometry.kinds import plan_of
from convgrad_cli.tracing.activation import activation_of
from convgrad_cli.tracing.kinds import Kind, kind_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.tracing.kinds import Arrays


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of some kind: its plan, the shapes it is made of, its options."""

    kind: Kind
    plan: Any
    shapes: Mapping[str, tuple[int, ...]]
    options: Mapping[str, Any]

    @property
    def upstream(self) -> str:
        """What arrives from the layer above: dA where an activation comes last."""
        return "dY" if self.options.get("activation") is None else "dA"

    @property
    def last(self) -> Any:
        """The plan of the step that Y comes from."""
        return getattr(self.plan, "pointwise", self.plan)

    def stages(self, arrays: Arrays, *, with_bias: bool = False) -> list[Stage]:
        """The tracers in forward order, with their numbers as far as these arrays give them.

        arrays: any of the kind's, and ``upstream``; the numbers that pass from one stage to the
        next are worked out. with_bias: whether b stands in the forward equations without its
        numbers. Raises ShapeError for an array that is not the layer's.
        """
        if "b" in arrays:
            self.last.check_bias(arrays["b"].shape)
        if self.upstream in arrays:
            try:
                self.last.check_upstream(arrays[self.upstream].shape)
            except ShapeError as error:
                raise error.renamed("dY", self.upstream) from None
        return self.kind.stages(self, arrays, with_bias or "b" in arrays)


def planned_layer(
    layer: str, shapes: Mapping[str, Sequence[int]], options: Mapping[str, Any]
) -> PlannedLayer:
    """The layer of that kind with arrays of these shapes (those of its ``operands``).

    Raises a ConvgradError for an unknown layer, an option it does not take, and shapes and options
    that describe no layer.
    """
    kind = kind_named(layer)
    kind.check_options(options)
    if layer in ("conv", "activation"):
        activation_of(options, needed=layer == "activation")
    made = {name: tuple(shapes[name]) for name in kind.operands}
    return PlannedLayer(kind, plan_of(layer, made, options), made, options)


def shape_of(
    name: str,
    array: Any,
    shape: Sequence[int] | None,
    *,
    option: str,
    missing: str,
) -> tuple[int, ...]:
    """An array's shape, from the array or given alone as ``option``.

    Raises UsageError (expected: ``missing``) where it has neither, ShapeError where they differ.
    """
    if array is None and shape is None:
        raise UsageError(f"{name} is missing.", expected=missing, array=name)
    if array is not None and shape is not None and tuple(shape) != array.shape:
        raise ShapeError(
            f"{name} and {option} contradict each other.",
            expected=f"{tuple(shape)}   from {option}",
            found=str(array.shape),
            array=name,
        )
    return tuple(array.shape if array is not None else shape)  # type: ignore[arg-type]
