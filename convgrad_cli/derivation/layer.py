"""The derivation of a layer of several stages, used like that of one.

d = derive(layer="separable", input_shape=(2, 3, 3), depthwise_shape=…, pointwise_shape=…)
d["dD"]   d["dP[0,1]"]   d.parts["pointwise_derivation"]   d.evaluate()
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from convgrad_cli.derivation.derivation import Derivation, notebook_latex
from convgrad_cli.derivation.stages import derivations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.derivation.equation import Equation
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.stages import Stage


class Writing(NamedTuple):
    """A notation by name, the user's own letters, and from where indices count."""

    notation: str = "slides"
    symbols: Mapping[str, str] | None = None
    base: int | None = None


@dataclass(frozen=True)
class LayerDerivation:
    """The equations of several stages, in the order of the pass: forward, then back.

    Targets have the layer's names (V, dV, dD, dP …); each equation belongs to the derivation of
    its stage, which is one of ``parts``.
    """

    stages: Sequence[Stage]
    targets: Sequence[str]
    writing: Writing
    parts: Mapping[str, Derivation]
    """The derivation of each stage that has a target, by its field in JSON."""

    @classmethod
    def of(
        cls, stages: Sequence[Stage], targets: Sequence[str], writing: Writing
    ) -> LayerDerivation:
        """A derivation of the targets named, every gradient if none is."""
        return cls(stages, targets, writing, derivations(stages, targets, *writing))

    @cached_property
    def ordered(self) -> tuple[Derivation, ...]:
        """One derivation for each target or element: outputs first, gradients last stage first."""
        single = [
            [replace(part, selection=(each,)) for each in part.selection]
            for part in self.parts.values()
        ]
        forward = [d for part in single for d in part if _is_forward(d)]
        back = [d for part in reversed(single) for d in part if not _is_forward(d)]
        return (*forward, *back)

    def __iter__(self) -> Iterator[Equation]:
        for each in self.ordered:
            yield from each

    def __len__(self) -> int:
        return sum(map(len, self.ordered))

    def __getitem__(self, key: int | str | tuple[str, Index]) -> Any:
        """As of one stage: ``d[0]``, ``d["dD[1,0,1]"]`` and ``d["dX", (0, 1, 1)]`` are equations,
        ``d["dD"]`` is the derivation of that target alone."""
        if isinstance(key, int):
            return self._at(key)
        if isinstance(key, tuple):
            key = f"{key[0]}[{','.join(map(str, key[1]))}]"
        (found,) = derivations(self.stages, [key], *self.writing).values()
        return found if found.selection[0].index is None else found[0]

    def _at(self, place: int) -> Equation:
        place += len(self) if place < 0 else 0
        for each in self.ordered:
            if 0 <= place < len(each):
                equation: Equation = each[place]
                return equation
            place -= len(each)
        raise IndexError(f"the derivation has {len(self)} equations")

    @property
    def term_count(self) -> int:
        """Number of terms, without listing those of whole targets."""
        return sum(part.term_count for part in self.parts.values())

    def evaluate(self) -> dict[str, Any]:
        """Every target as an array in the user's rank, a single element as a number, under the
        layer's names; raises UsageError where an array was not given."""
        return {name: a for each in self.ordered for name, a in each.evaluate().items()}

    def with_notation(
        self, name: str, symbols: Mapping[str, str] | None = None, base: int | None = None
    ) -> LayerDerivation:
        """The same derivation in another notation, or with other letters."""
        return LayerDerivation.of(self.stages, self.targets, Writing(name, symbols, base))

    def __repr__(self) -> str:
        selected = ", ".join(name for each in self.ordered for name in each.selected)
        return (
            f"<derivation of {selected}: {len(self)} equations, {self.writing.notation} notation>"
        )

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_latex_(self) -> str:
        return notebook_latex(self)


def derivation_of(
    stages: Sequence[Stage], targets: Sequence[str], writing: Writing
) -> Derivation | LayerDerivation:
    """The derivation of the targets, every gradient if none is named: of one stage a plain one."""
    if len(stages) > 1:
        return LayerDerivation.of(stages, targets, writing)
    (found,) = derivations(stages, targets, *writing).values()
    return found


def _is_forward(derivation: Derivation) -> bool:
    """Whether its one target is an output and not a gradient."""
    target = derivation.selection[0].target
    return derivation.traced.targets[target] == target
