"""A layer of one or several stages, each traced by itself, with one set of names for targets.

    conv, then activation    Y  A    dY  dW dX db           (stages: the convolution, σ)
    depthwise, pointwise     V  Y    dP dV db  dD dX        (stages: two convolutions)

What a stage calls ``dW`` is ``dD`` or ``dP`` to the layer. Every stage has a derivation of its own,
with its own letters; forward they stand in order, the gradients last stage first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.derivation import Derivation
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.notation_known import notation_named
from convgrad_cli.derivation.targets import names_target, read_label
from convgrad_cli.errors import ConvgradError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.derivation.notation import Notation


@dataclass(frozen=True)
class Stage:
    """One stage: its tracer, its numbers, and what the layer calls its targets and arrays."""

    key: str
    """The JSON field of its derivation."""
    traced: Traced
    values: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    """From the layer's name of a target to the stage's; empty: the same names."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """From the layer's name of an array to the stage's, for letters; empty: the same names."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """Letters by the layer's names, where the notation has none for them."""

    @property
    def named(self) -> Mapping[str, str]:
        """The layer's name of each target."""
        return self.targets or {name: name for name in self.traced.targets}

    @property
    def called(self) -> Mapping[str, str]:
        """The layer's first name of each target that has another there."""
        found: dict[str, str] = {}
        for ours, own in self.named.items():
            found.setdefault(own, ours)
        return {own: ours for own, ours in found.items() if own != ours}

    @property
    def gradients(self) -> tuple[str, ...]:
        """The stage's own gradients, in the lectures' order."""
        wanted = set(self.named.values())
        return tuple(target for target in ("dY", "dW", "dX", "db") if target in wanted)

    def notation(self, name: str, symbols: Mapping[str, str], base: int | None) -> Notation:
        """The notation with the layer's letters, and the user's."""
        roles = self.symbols or {role: role for role in ("X", "W", "b", "Y", "A")}
        chosen = {**self.letters, **symbols}
        own = {roles[key]: letter for key, letter in chosen.items() if key in roles}
        return notation_named(name, own, base)


def derivations(
    stages: Sequence[Stage],
    targets: Sequence[str],
    name: str,
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
) -> dict[str, Derivation]:
    """The derivation of each stage that has a target, by field; every gradient if none is named.

    Raises UsageError for a target or a letter that no stage knows.
    """
    written = notations(stages, name, symbols, base)
    chosen: dict[str, list[str]] = {stage.key: [] for stage in stages}
    for text in targets:
        stage, own = _stage_of(stages, written, text)
        chosen[stage.key].append(own)
    if not targets:
        chosen = {stage.key: list(stage.gradients) for stage in stages}
    return {
        stage.key: _derived(stage, chosen[stage.key], written[stage.key])
        for stage in stages
        if chosen[stage.key]
    }


def notations(
    stages: Sequence[Stage],
    name: str,
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
) -> dict[str, Notation]:
    """The notation of each stage.

    Raises UsageError for a letter of an array that no stage has, and for one of two arrays.
    """
    symbols = symbols or {}
    _check_symbols(stages, symbols)
    found = {stage.key: stage.notation(name, symbols, base) for stage in stages}
    _check_letters(stages, found)
    return found


def _derived(stage: Stage, targets: Sequence[str], notation: Notation) -> Derivation:
    """The stage's derivation; errors speak of the layer's names."""
    try:
        return Derivation.of(stage.traced, targets, notation, stage.values, stage.called)
    except ConvgradError as error:
        for own, ours in stage.called.items():
            if any(target.startswith(f"{own}[") for target in targets):
                raise error.renamed(own, ours) from None
        raise


def _stage_of(
    stages: Sequence[Stage], notations: Mapping[str, Notation], text: str
) -> tuple[Stage, str]:
    """The stage that a target or label belongs to, and how the stage writes it."""
    if len(stages) == 1 and not stages[0].targets:
        return stages[0], text
    head, bracket, rest = text.strip().partition("[")
    for stage in stages:
        if head in stage.named:
            return stage, f"{stage.named[head]}{bracket}{rest}"
    for stage in stages:
        names = Names(notations[stage.key], stage.traced)
        label = read_label(names, text.strip())
        if label is not None and names_target(stage.traced, label):
            return stage, text
    raise UsageError(
        f"There is nothing called {text[:60]!r} to derive.",
        expected=f"{', '.join(_every(stages))}, an element such as {_element(stages)}, or a label "
        "of the notation",
    )


def _every(stages: Sequence[Stage]) -> list[str]:
    """Every target, each by its first name only, in the order of the pass."""
    found: dict[tuple[str, str], str] = {}
    for stage in stages:
        for ours, own in stage.named.items():
            found.setdefault((stage.key, own), ours)
    return list(found.values())


def _element(stages: Sequence[Stage]) -> str:
    last = stages[0]
    shape = last.traced.frames[last.traced.targets["dX"]].given_shape
    return f"dX[{','.join(str(size - 1) for size in shape)}]"


def _check_symbols(stages: Sequence[Stage], symbols: Mapping[str, str]) -> None:
    """With one plain stage the notation itself knows what has a letter."""
    known = dict.fromkeys(key for stage in stages for key in stage.symbols)
    unknown = [key for key in symbols if key not in known]
    if known and unknown:
        raise UsageError(
            f"There is no array {unknown[0]!r} to give a symbol to.",
            expected=f"some of {', '.join(known)}",
        )
    letters = {key: letter for stage in stages for key, letter in stage.letters.items()}
    if known:
        _all_different((letters | dict(symbols)).items())


def _check_letters(stages: Sequence[Stage], notations: Mapping[str, Notation]) -> None:
    """No letter for two of the layer's arrays, across the stages."""
    bound = [(stage, Names(notations[stage.key], stage.traced)) for stage in stages]
    _all_different(
        (array, names.letter(role))
        for stage, names in bound
        for array, role in stage.symbols.items()
    )


def _all_different(letters: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError where two arrays have one letter."""
    taken: dict[str, str] = {}
    for array, letter in letters:
        if taken.setdefault(letter, array) != array:
            raise UsageError(
                "The symbols clash.",
                expected="a different symbol for each array",
                found=f"{letter} for both {taken[letter]} and {array}",
                remedy=f"give one of them another letter: --symbols {array}=…",
            )
