"""What is to be derived: whole targets, single elements, or a notation's own labels.

dX   dW   db   Y          a whole target
dX[2,2]                   one element, indices from 0 in the given array's own rank
F11   x22   z_5   ∂L/∂F11   q_0(1,2)     the notation's own label of an element
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.derivation.model import Index, Traced
    from convgrad_cli.derivation.names import Names


class Selected(NamedTuple):
    """A target, and one element of it or all (None)."""

    target: str
    index: Index | None = None  # type: ignore[assignment]


class Label(NamedTuple):
    """What a notation's label names: an array's entry, or the gradient with respect to it."""

    role: str
    index: Index  # type: ignore[assignment]
    gradient: bool


_ELEMENT = re.compile(r"(\w+)\s*\[([^\]]*)\]")
_LOSS = re.compile(r"(?:∂|d)[A-Za-z]+/(?:∂|d)")


def select(names: Names, texts: Iterable[str]) -> tuple[Selected, ...]:
    """The targets named by ``texts``, in the order given, without repetitions.

    Raises UsageError for what does not exist, with the valid range.
    """
    found = dict.fromkeys(_selected(names, text.strip()) for text in texts)
    whole = {selected.target for selected in found if selected.index is None}
    return tuple(s for s in found if s.index is None or s.target not in whole)


def read_label(names: Names, text: str) -> Label | None:
    """What a label of the notation names, or None where it is none of its labels.

    The index may lie outside the array. Accepts the label as printed in Unicode, ASCII or as an
    expression, with or without the ∂L/∂ of a gradient.
    """
    bare = text.replace(" ", "").replace("{", "").replace("}", "")
    quotient = _LOSS.match(bare)
    if quotient and "/" in bare:
        bare = bare[quotient.end() :]
    expression = re.match(r"d[A-Za-z]+_d(?=[^_])", bare)
    if expression:
        bare = bare[expression.end() :]
    for role in sorted(names.frames, key=lambda role: -len(names.letter(role))):
        for prefix in ("", "d") if names.notation.gradient == "prefix" else ("",):
            start = prefix + names.letter(role)
            if bare.startswith(start):
                label = _read_indices(names, role, bare[len(start) :])
                if label is not None:
                    gradient = bool(quotient or expression or prefix) or "′" in bare or "'" in bare
                    return label._replace(gradient=gradient)
    return None


def _read_indices(names: Names, role: str, rest: str) -> Label | None:
    """The rest of a label: subscripts and arguments as numbers."""
    rest = rest.lstrip("′'")
    if names.notation.style == "layered":
        rest = re.sub(r"^_l(?=\()|(?<=\()l(?:[−-]1)?,", "", rest)
    if re.search(r"[^\d_,()\[\].-]", rest):
        return None
    digits = rest.lstrip("_")
    count = names.index_count(role)
    if digits.isdigit() and names.runs_together(role) and count > 1:
        numbers = [int(digit) for digit in digits]
    elif names.notation.style == "paren":
        numbers = _paren_numbers(rest, count - len(names.frames[role].spatial))
    else:
        numbers = [int(number) for number in re.findall(r"-?\d+", rest)]
    index = names.index_of(role, numbers)
    return None if index is None else Label(role, index, False)


def _paren_numbers(rest: str, leading: int) -> list[int]:
    """``_01(0,2)``: subscripts run together while each has one digit."""
    before, _, inside = rest.partition("(")
    subscripts = re.findall(r"\d+", before)
    if len(subscripts) == 1 and leading > 1 and len(subscripts[0]) == leading:
        subscripts = list(subscripts[0])
    return [int(number) for number in (*subscripts, *re.findall(r"-?\d+", inside))]


def _selected(names: Names, text: str) -> Selected:
    traced = names.traced
    if text in traced.targets:
        return Selected(text)
    element = _ELEMENT.fullmatch(text)
    if element and element[1] in traced.targets:
        return Selected(element[1], _element_index(traced, element[1], element[2], text))
    label = read_label(names, text)
    target = None if label is None else _target_of(traced, label)
    if label is None or target is None:
        raise _unknown(names, text)
    _check_range(names, target, label.index, text)
    return Selected(target, label.index)


def names_target(traced: Traced, label: Label) -> bool:
    """Whether something with this label can be derived."""
    return _target_of(traced, label) is not None


def _target_of(traced: Traced, label: Label) -> str | None:
    """An output's label asks for its forward equation, any other for its gradient."""
    for target, role in traced.targets.items():
        if role == label.role and (target != role or not label.gradient):
            return target
    return None


def _element_index(traced: Traced, target: str, inside: str, text: str) -> Index:
    frame = traced.frames[traced.targets[target]]
    try:
        given = tuple(int(part) for part in inside.split(","))
    except ValueError:
        raise UsageError(
            f"{text} is no element.", expected=f"{_example(traced, target)}: whole numbers"
        ) from None
    shape = frame.given_shape
    if len(given) != len(shape):
        raise UsageError(
            f"{text} has the wrong number of indices.",
            expected=f"{len(shape)}, as in {_example(traced, target)}   {target} is {shape}",
            found=str(len(given)),
        )
    if not all(0 <= part < size for part, size in zip(given, shape, strict=True)):
        raise UsageError(
            f"{text} does not exist.", expected=f"{_range(traced, target)}   {target} is {shape}"
        )
    return frame.layout.canonical_index(given)


def _check_range(names: Names, target: str, index: Index, text: str) -> None:
    frame = names.frames[names.traced.targets[target]]
    if all(0 <= part < size for part, size in zip(index, frame.shape, strict=True)):
        return
    from convgrad_cli.derivation.writer import Writer

    writer = Writer(names)
    first = writer.entry(names.traced.targets[target], (0,) * len(frame.shape))
    last = writer.entry(names.traced.targets[target], tuple(size - 1 for size in frame.shape))
    raise UsageError(
        f"{text} does not exist.",
        expected=f"{first} to {last}, or {_range(names.traced, target)}   "
        f"{target} is {frame.given_shape}",
    )


def _range(traced: Traced, target: str) -> str:
    shape = traced.frames[traced.targets[target]].given_shape
    first, last = ",".join("0" * len(shape)), ",".join(str(size - 1) for size in shape)
    return f"{target}[{first}] to {target}[{last}]"


def _example(traced: Traced, target: str) -> str:
    shape = traced.frames[traced.targets[target]].given_shape
    return f"{target}[{','.join(str(size - 1) for size in shape)}]"


def _unknown(names: Names, text: str) -> UsageError:
    from convgrad_cli.derivation.writer import Writer

    targets = names.traced.targets
    shown = "dX" if "dX" in targets else next(target for target in targets if target[0] == "d")
    role = targets.get("dW", targets[shown])
    label = Writer(names).entry(role, tuple(0 for _ in names.frames[role].shape))
    near = difflib.get_close_matches(text.split("[")[0].lower(), [t.lower() for t in targets], n=1)
    return UsageError(
        f"There is nothing called {text[:60]!r} to derive.",
        expected=f"{', '.join(targets)}, an element such as {_example(names.traced, shown)}, or a "
        f"label of the notation such as {label}",
        remedy=next((f"did you mean {t}?" for t in targets if near and t.lower() == near[0]), None),
    )
