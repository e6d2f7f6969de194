"""A layer as equations speak of it: all its arrays and targets, whichever stage each belongs to.

A convolution is one stage; with σ after it, or depthwise and pointwise, there are two, and one text
may speak of both. Arrays have the layer's names here (X, D, V, P, Y), targets too (dD, dV).
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.derivation import Names, Writer
from convgrad_cli.derivation.glyph import Quotient
from convgrad_cli.derivation.numbers import Values
from convgrad_cli.derivation.stages import notations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.derivation import Index, Notation, Traced
    from convgrad_cli.derivation.model import Frame
    from convgrad_cli.derivation.stages import Stage


class Part(NamedTuple):
    """A stage in a notation, its numbers, and its arrays by their names in the layer."""

    traced: Traced
    names: Names
    writer: Writer
    values: Values
    own: Mapping[str, str]
    """From the layer's name of an array to the stage's."""
    role: Mapping[str, str]
    """From the stage's name of an array to the layer's."""
    target: Mapping[str, str]
    """From the layer's name of a target to the stage's."""

    @property
    def output(self) -> str:
        """The array that the stage makes."""
        return self.role[self.traced.upstream]


class Place(NamedTuple):
    """An array's stage and its name there."""

    part: Part
    own: str


class Layer:
    """A layer's stages in one notation."""

    def __init__(
        self,
        stages: Sequence[Stage],
        name: str = "slides",
        symbols: Mapping[str, str] | None = None,
        base: int | None = None,
    ) -> None:
        chosen = notations(stages, name, symbols, base)
        self.parts = [_part(stage, chosen[stage.key]) for stage in stages]
        self.notation: Notation = self.parts[0].names.notation
        self.script = self.parts[0].writer.script
        self._places: dict[str, Place] = {}
        for part in self.parts:
            for role, own in part.own.items():
                self._places.setdefault(role, Place(part, own))
        self.frames: dict[str, Frame] = {
            role: place.part.traced.frames[place.own] for role, place in self._places.items()
        }
        self.outputs = tuple(part.output for part in self.parts)
        self.targets = {
            target: part.role[part.traced.targets[own]]
            for part in self.parts
            for target, own in part.target.items()
        }
        self.gradients = {role: target for target, role in self.targets.items() if target != role}

        self.inputs = tuple(part.role["X"] for part in self.parts if "X" in part.role)
        self.filters = tuple(part.role["W"] for part in self.parts if "W" in part.role)

    def letter(self, role: str) -> str:
        """The letter of an array's entries."""
        part, own = self._places[role]
        return part.names.letter(own)

    def place(self, role: str) -> Place:
        """The first stage that speaks of an array, and what it calls it."""
        return self._places[role]

    def part_of(self, target: str) -> Part:
        """The stage whose target it is."""
        return next(part for part in self.parts if target in part.target)

    def count(self, target: str) -> int:
        """Number of terms of the whole target."""
        part = self.part_of(target)
        return part.traced.count(part.target[target])

    def entry(self, role: str, index: Index, function: str = "") -> str:
        """An entry in the notation, or a function of it."""
        part, own = self._places[role]
        entry = part.writer.entry(own, index)
        return f"{self.script.phrase(function)}({entry})" if function else entry

    def gradient(self, role: str, index: Index) -> str:
        """The gradient with respect to an entry."""
        part, own = self._places[role]
        return part.writer.gradient(own, index)

    def local(self, above: str, output: Index, role: str, index: Index) -> str:
        """∂O11/∂F11."""
        upper, lower = self._places[above], self._places[role]
        numerator = upper.part.names.entry(upper.own, output)
        denominator = lower.part.names.entry(lower.own, index)
        return self.script.atom(Quotient(numerator, denominator))


def _part(stage: Stage, notation: Notation) -> Part:
    own = stage.symbols or {role: role for role in stage.traced.frames}
    role = {mine: ours for ours, mine in own.items()}
    traced = _with_bias(stage.traced) if "b" in role else stage.traced
    names = Names(notation, traced)
    # A bias that the stage has not (the depthwise step's) is no array of the layer.
    target = {
        stage.called.get(name, name): name
        for name, array in traced.targets.items()
        if array in role
    }
    values = Values(traced, stage.values)
    return Part(traced, names, Writer(names), values, own, role, target)


def _with_bias(traced: Traced) -> Traced:
    """The stage with a bias in its forward equations, which the text may leave out."""
    if is_dataclass(traced) and any(field.name == "bias" for field in fields(traced)):
        return replace(traced, bias=True)
    return traced
