"""One idea behind the wrong products of an equation: another element's, a filter not rotated, σ
for σ′, the gradient or the input of another step, a mean for a sum."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convgrad_cli.check.equations_symbols import Factor, Local, Symbol
from convgrad_cli.check.equations_truth import key_of
from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME
from convgrad_cli.derivation.dense import TracedUpsample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.check.equations_match import Side
    from convgrad_cli.check.equations_truth import Key, Sum, Truth
    from convgrad_cli.derivation.model import Frame

    Hint = Callable[["Truth", "Symbol", "Sum", "Sum"], "str | None"]

MOST_TERMS = 20_000
"""Terms of a target that is searched for the element a right side belongs to."""


def hints(truth: Truth, subject: Factor, expected: Sum, side: Side) -> Iterator[str]:
    """What explains the whole side, if anything does."""
    written: dict[Key, Fraction] = {}
    for term in side.products:
        written[term.key] = written.get(term.key, Fraction(0)) + term.coefficient
    if isinstance(subject, Local) or not written:
        return
    found = (hint(truth, subject, expected, written) for hint in _HINTS)
    yield from [text for text in found if text is not None][:1]


def _another(truth: Truth, subject: Symbol, expected: Sum, written: Sum) -> str | None:
    """The equation of another element of the same target."""
    target = truth.target(subject)
    if target is None or truth.layer.count(target) > MOST_TERMS:
        return None
    first = min(written)
    for index in truth.holders(target).get(first, ()):
        other = subject._replace(index=index)
        if other != subject and truth.right(other) == written:
            return f"this is the right side of {truth.text(other)}"
    return None


def _not_rotated(truth: Truth, subject: Symbol, expected: Sum, written: Sum) -> str | None:
    """Every W at the opposite place."""
    for role in truth.layer.filters:
        frame = truth.layer.frames[role]

        def turned(factor: Factor, role: str = role, frame: Frame = frame) -> Factor:
            if isinstance(factor, Local) or factor.role != role:
                return factor
            index = tuple(
                size - 1 - at if axis in frame.spatial else at
                for axis, (at, size) in enumerate(zip(factor.index, frame.shape, strict=True))
            )
            return factor._replace(index=index)

        if _mapped(expected, turned) == written:
            letter = truth.layer.letter(role)
            return f"{letter} is not rotated by 180°: every {letter} stands at the opposite place"
    return None


def _not_derived(truth: Truth, subject: Symbol, expected: Sum, written: Sum) -> str | None:
    """σ for σ′ (Diba, eq. 11, as printed), σ′ of the output, or no σ′ at all."""
    if not any(factor.function == SIGMA_PRIME for key in expected for factor in _symbols(key)):
        return None
    z, A = (truth.layer.letter(role) for role in ("Y", "A"))
    if written == _with_prime(expected, function=SIGMA):
        return f"σ stands where its derivative σ′ belongs: the chain rule multiplies by ∂{A}/∂{z}"
    if written == _with_prime(expected, role="A"):
        return f"σ′ is taken at {A}; it belongs at the pre-activation {z}"
    if written == {key_of(f for f in key if not _prime(f)): c for key, c in expected.items()}:
        return f"σ′({z}) is missing: the chain rule multiplies by ∂{A}/∂{z}"
    return None


def _other_step(truth: Truth, subject: Symbol, expected: Sum, written: Sum) -> str | None:
    """The gradient or the input of another of the layer's steps: dY for dV, X for V."""
    layer = truth.layer
    if len(layer.parts) == 1:
        return None
    steps = [(True, role) for role in layer.outputs] + [(False, role) for role in layer.inputs]
    right = {(factor.gradient, factor.role) for key in expected for factor in _symbols(key)}
    found = sorted(_loosely(key) for key in written)
    for gradient, role in sorted(right & set(steps)):
        for other in (name for kind, name in steps if kind == gradient and name != role):
            if found != sorted(_loosely(key, (gradient, role), other) for key in expected):
                continue
            mark = "∂L/∂" if gradient else ""
            noun = "gradient that arrives at" if gradient else "input of"
            shown, wrong = f"{mark}{layer.letter(role)}", f"{mark}{layer.letter(other)}"
            return f"the {noun} this step is {shown}, not {wrong}"
    return None


def _loosely(key: Key, of: tuple[bool, str] | None = None, other: str = "") -> list[Any]:
    """A product without its samples and channels, with one array's name exchanged."""
    return sorted(
        (f.gradient, other if (f.gradient, f.role) == of else f.role, f.function, f.index[2:])
        for f in _symbols(key)
    )


def _other_mode(truth: Truth, subject: Symbol, expected: Sum, written: Sum) -> str | None:
    """Upsampling: a block's mean for its sum, its corner alone, or all of it for the corner."""
    traced = truth.layer.parts[0].traced
    if not isinstance(traced, TracedUpsample) or not subject.gradient:
        return None
    keys = sorted(expected)
    if traced.nearest and written == {key: Fraction(1, len(keys)) for key in keys}:
        return "the mean of the block stands where its sum belongs: every copy adds its gradient"
    if traced.nearest and written == {keys[0]: Fraction(1)}:
        return "only the corner of the block: that is upsampling with zeros, not nearest"
    if not traced.nearest and len(written) > 1 and keys[0] in written:
        return "the inserted zeros pass no gradient back: only the corner of the block does"
    return None


_HINTS: tuple[Hint, ...] = (_another, _not_rotated, _not_derived, _other_step, _other_mode)


def _mapped(expected: Sum, change: Callable[[Factor], Factor]) -> Sum:
    return {key_of(map(change, key)): c for key, c in expected.items()}


def _with_prime(expected: Sum, **changes: str) -> Sum:
    """The sum with every σ′ changed."""

    def changed(factor: Factor) -> Factor:
        return Symbol(**(factor._asdict() | changes)) if _prime(factor) else factor

    return _mapped(expected, changed)


def _symbols(key: Key) -> Iterator[Symbol]:
    return (factor for factor in key if isinstance(factor, Symbol))


def _prime(factor: Factor) -> bool:
    return isinstance(factor, Symbol) and factor.function == SIGMA_PRIME
