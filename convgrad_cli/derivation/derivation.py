"""A derivation: chosen equations of a layer in a notation, lazily, with numbers where given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.equation import Equation, aligned
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.notation_known import notation_named
from convgrad_cli.derivation.numbers import Values
from convgrad_cli.derivation.targets import Selected, select
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from convgrad_cli.derivation.model import Index, Traced
    from convgrad_cli.derivation.notation import Notation

SHOWN_IN_NOTEBOOK = 400
"""Terms that a notebook cell shows before it says how many more there are."""


@dataclass(frozen=True)
class Derivation:
    """The equations of the selected targets. ``values`` holds canonical arrays (X, W, b, dY)."""

    traced: Traced
    selection: tuple[Selected, ...]
    notation: Notation
    values: Values
    called: Mapping[str, str] = field(default_factory=dict)
    """What the whole layer calls this stage's targets, where that is another name: dW is dD."""

    @classmethod
    def of(
        cls,
        traced: Traced,
        targets: Iterable[str],
        notation: Notation,
        values: Mapping[str, Any] | None = None,
        called: Mapping[str, str] | None = None,
    ) -> Derivation:
        """A derivation of the targets named (see :mod:`convgrad_cli.derivation.targets`)."""
        selection = select(Names(notation, traced), targets)
        return cls(traced, selection, notation, Values(traced, values or {}), called or {})

    @cached_property
    def names(self) -> Names:
        """The notation bound to the layer."""
        return Names(self.notation, self.traced)

    def writer(self, script: str = "unicode") -> Writer:
        """The writer of the derivation's symbols: unicode, ascii, expression, latex or mathml."""
        if script not in self._writers:
            self._writers[script] = Writer(self.names, script)
        return self._writers[script]

    @cached_property
    def _writers(self) -> dict[str, Writer]:
        return {}

    def __iter__(self) -> Iterator[Equation]:
        for selected in self.selection:
            yield from self.equations(selected)

    def __len__(self) -> int:
        return sum(1 if s.index is not None else self._frame(s).size for s in self.selection)

    def equations(self, selected: Selected) -> Iterator[Equation]:
        """The equations of one selected target: its elements row-major in the user's layout."""
        if selected.index is not None:
            yield Equation(self, selected.target, selected.index)
            return
        layout = self._frame(selected).layout
        for given in product(*map(range, self._frame(selected).given_shape)):
            yield Equation(self, selected.target, layout.canonical_index(given))

    def __getitem__(self, key: int | str | tuple[str, Index]) -> Any:
        """``d[0]``, ``d["dX[2,2]"]``, ``d["F11"]`` and ``d["dX", (2, 2)]`` are equations,
        ``d["dX"]`` is the derivation of that target alone."""
        if isinstance(key, int):
            return self._at(key)
        if isinstance(key, tuple):
            key = f"{key[0]}[{','.join(map(str, key[1]))}]"
        (selected,) = select(self.names, [key])
        if selected.index is None:
            return replace(self, selection=(selected,))
        return Equation(self, selected.target, selected.index)

    @property
    def term_count(self) -> int:
        """Number of terms, without listing those of whole targets."""
        total = 0
        for selected in self.selection:
            if selected.index is None:
                total += self.traced.count(selected.target)
            else:
                total += Equation(self, selected.target, selected.index).term_count
        return total

    def value(self, equation: Equation) -> int | float | None:
        """The number the equation comes to, or None where its arrays were not given."""
        return self.values.equation(equation) if self.values.known(equation.target) else None

    def evaluate(self, **arrays: Any) -> dict[str, Any]:
        """Every selected target as an array in the user's rank, from the given arrays (X, W, b,
        dY; those the derivation already has need not be given again). A single element comes as
        a number under its name, ``dX[2,2]``."""
        import numpy as np

        values = Values(self.traced, self.values.arrays | canonical(self.traced, arrays))
        found: dict[str, Any] = {}
        for selected in self.selection:
            name = self.called.get(selected.target, selected.target)
            missing = self.traced.needs(selected.target) - values.arrays.keys()
            if missing:
                raise UsageError(f"{name} needs numbers for {', '.join(sorted(missing))}.")
            equations = list(self.equations(selected))
            numbers = [values.equation(equation) for equation in equations]
            if selected.index is None:
                found[name] = np.array(numbers).reshape(self._frame(selected).given_shape)
            else:
                found[equations[0].name] = numbers[0]
        return found

    def with_notation(
        self, name: str, symbols: Mapping[str, str] | None = None, base: int | None = None
    ) -> Derivation:
        """The same derivation in another notation, or with other letters."""
        return replace(self, notation=notation_named(name, symbols, base))

    def __repr__(self) -> str:
        parts = ", ".join(self.selected)
        return f"<derivation of {parts}: {len(self)} equations, {self.notation.name} notation>"

    @property
    def selected(self) -> list[str]:
        """What is derived: whole targets and single elements by name."""
        return [
            self.called.get(s.target, s.target)
            if s.index is None
            else Equation(self, s.target, s.index).name
            for s in self.selection
        ]

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_latex_(self) -> str:
        return notebook_latex(self)

    def _frame(self, selected: Selected) -> Any:
        return self.traced.frames[self.traced.targets[selected.target]]

    def _at(self, place: int) -> Equation:
        place += len(self) if place < 0 else 0
        for selected in self.selection:
            size = 1 if selected.index is not None else self._frame(selected).size
            if 0 <= place < size:
                if selected.index is not None:
                    return Equation(self, selected.target, selected.index)
                frame = self._frame(selected)
                given = _unravel(place, frame.given_shape)
                return Equation(self, selected.target, frame.layout.canonical_index(given))
            place -= size
        raise IndexError(f"the derivation has {len(self)} equations")


def notebook_latex(equations: Iterable[Equation]) -> str:
    """The equations as a notebook's cell, as many as it shows."""
    lines, left = [], SHOWN_IN_NOTEBOOK
    for equation in equations:
        if left <= 0:
            lines.append(r"& \quad \ldots")
            break
        writer = equation.derivation.writer("latex")
        terms = list(writer.terms(equation)) or ["0"]
        left -= len(terms)
        lines += aligned(writer.left_side(equation), terms)
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def canonical(traced: Traced, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Given arrays with canonical axes, under the names of :class:`Values`.

    Raises DataError for one whose shape is not the layer's.
    """
    import numpy as np

    found = {}
    for name, array in arrays.items():
        role = traced.upstream if name == "d" + traced.upstream else name
        if role not in traced.frames:
            raise UsageError(f"This layer has no array {name!r}.")
        frame, given = traced.frames[role], np.asarray(array)
        if given.size != prod(frame.shape):
            raise DataError(
                f"{name} has the wrong shape.",
                expected=str(frame.given_shape),
                found=str(given.shape),
                array=name,
            )
        found[name] = frame.layout.to_canonical(given.reshape(frame.given_shape))
    return found


def _unravel(place: int, shape: Index) -> Index:
    index = []
    for size in reversed(shape):
        place, part = divmod(place, size)
        index.append(part)
    return tuple(reversed(index))
