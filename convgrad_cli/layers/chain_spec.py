"""A chain as a description: the words a chain file may use, each fault named with its place.

    {"input": …,
     "layers": [{"type": "conv", "filter": …, "bias": …, "stride": 2}, {"type": "relu"}],
     "loss": {"type": "mse", "target": …}}

``read`` turns what stands for an array (nested lists, a path) into one; where arrays come from is
not this room's business.
"""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from convgrad_cli.errors import ConvgradError, GeometryError, ShapeError, UsageError
from convgrad_cli.layers.activation import ACTIVATIONS
from convgrad_cli.layers.chain import Ending
from convgrad_cli.layers.chain_nodes import NODES, Node
from convgrad_cli.layers.loss import loss_name, needs_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from convgrad_cli.layers.numbers import Array

    Reader = Callable[[object, str], Array]

KEYS: Final = ("input", "layers", "loss", "upstream", "learning_rate")

_ALIASES: Final = {
    "max-pool": "maxpool", "avg-pool": "avgpool", "average-pool": "avgpool",
    "averagepool": "avgpool", "linear": "dense", "conv-transpose": "transposed",
    "convtranspose": "transposed", "transposed-conv": "transposed", "convolution": "conv",
    "lrelu": "leaky-relu", "leakyrelu": "leaky-relu",
}  # fmt: skip
_FILTER: Final = dict.fromkeys(("filter", "weight", "kernel", "W", "F", "w"), "W")
_BIAS: Final = dict.fromkeys(("bias", "b", "B"), "b")

_NUMBERS, _PADDING, _WHOLE, _REAL, _FLAG, _WORD = range(6)  # the types of an option's value
_GEOMETRY: Final = {"stride": _NUMBERS, "dilation": _NUMBERS, "padding": _PADDING, "dims": _WHOLE}


@dataclass(frozen=True)
class Kind:
    """What a layer's entry may hold: arrays by key, which are needed, options by value type."""

    arrays: Mapping[str, str]
    needed: tuple[str, ...]
    options: Mapping[str, int]


_POOL: Final = {**_GEOMETRY, "window": _NUMBERS, "ceil_mode": _FLAG}
KINDS: Final = {
    "conv": Kind(
        {**_FILTER, **_BIAS},
        ("W",),
        {**_GEOMETRY, "groups": _WHOLE, "output_size": _NUMBERS, "filter_layout": _WORD},
    ),
    "transposed": Kind(
        {**_FILTER, **_BIAS},
        ("W",),
        {**_GEOMETRY, "groups": _WHOLE, "output_size": _NUMBERS, "output_padding": _NUMBERS},
    ),
    "separable": Kind(
        {"depthwise": "depthwise", "pointwise": "pointwise", **_BIAS},
        ("depthwise", "pointwise"),
        {**_GEOMETRY, "output_size": _NUMBERS},
    ),
    "activation": Kind({}, (), {"name": _WORD, "slope": _REAL}),
    "maxpool": Kind({}, (), {**_POOL, "ties": _WORD}),
    "avgpool": Kind({}, (), {**_POOL, "count_include_pad": _FLAG}),
    "upsample": Kind({}, (), {"mode": _WORD, "scale": _NUMBERS, "dims": _WHOLE}),
    "flatten": Kind({}, (), {}),
    "dense": Kind({**_FILTER, **_BIAS}, ("W",), {}),
}
assert KINDS.keys() == NODES.keys()
TYPES: Final = (*(kind for kind in KINDS if kind != "activation"), *ACTIVATIONS, "activation")


@dataclass(frozen=True)
class Chain:
    """A chain that fits together: nodes, the input, and what the last output runs into."""

    nodes: list[Node]
    X: Array
    ending: Ending
    learning_rate: float | None = None


def read_chain(document: object, read: Reader) -> Chain:
    """The chain that ``document`` (a parsed chain file) describes.

    Raises UsageError for words that mean nothing here, with their place and the nearest known word,
    ShapeError or GeometryError for layers that do not fit, naming both.
    """
    spec = _object(document, "The chain")
    _known(spec, KEYS, "The chain")
    if "input" not in spec:
        raise UsageError('The chain has no "input".', expected='"input": the first layer\'s X')
    layers = spec.get("layers")
    if not isinstance(layers, list) or not layers:
        raise UsageError(
            'The chain has no "layers".',
            expected='"layers": a list of at least one {"type": …}',
            found=_shown(layers) if "layers" in spec else None,
        )
    X = read(spec["input"], "input")
    nodes: list[Node] = []
    for position, entry in enumerate(layers):
        nodes.append(_node(position, entry, X.shape, nodes, read))
    ending = _ending(spec, read)
    rate: Any = spec.get("learning_rate")
    if "learning_rate" in spec:
        _check_value(rate, _REAL, "learning_rate")
    return Chain(nodes, X, ending, rate)


def _node(
    position: int, entry: object, shape: tuple[int, ...], before: list[Node], read: Reader
) -> Node:
    place = f"layers[{position}]"
    given = _object(entry, place)
    kind, options = _kind(given, place)
    rest = {key: value for key, value in given.items() if key != "type"}
    described = KINDS[kind]
    words = {*described.arrays, *described.options} - options.keys()
    if kind == "activation" and (options or rest).get("name") != "leaky-relu":
        words -= {"slope"}
    written = str(given["type"])
    every = (*described.arrays, *described.options)
    _known(rest, [word for word in every if word in words], f"{place} ({written})")
    arrays = _arrays(rest, described, place, written, read)
    for key in rest.keys() - described.arrays.keys():
        _check_value(rest[key], described.options[key], f"{place}.{key}")
        options[key] = rest[key]
    running = before[-1].output_shape if before else shape
    batched = before[-1].batched if before else None
    with _located(f"{place} ({written})", before, running):
        return NODES[kind](running, batched, arrays, options)


def _kind(given: Mapping[str, object], place: str) -> tuple[str, dict[str, Any]]:
    """The node's kind, and the activation's name where the type is one."""
    written = given.get("type")
    if not isinstance(written, str):
        raise UsageError(
            f'{place} has no "type".',
            expected=f"one of {', '.join(TYPES)}",
            found=_shown(written) if "type" in given else None,
        )
    word = written.lower().replace("_", "-")
    word = _ALIASES.get(word, word)
    if word in ACTIVATIONS:
        return "activation", {"name": word}
    if word not in KINDS:
        near = difflib.get_close_matches(word, (*TYPES, *_ALIASES), n=1)
        raise UsageError(
            f"{place} has an unknown type {_shown(written)}.",
            expected=f"one of {', '.join(TYPES)}",
            remedy=f'did you mean "{near[0]}"?' if near else None,
        )
    if word == "activation" and "name" not in given:
        raise UsageError(
            f'{place} (activation) has no "name".', expected=f"one of {', '.join(ACTIVATIONS)}"
        )
    return word, {}


def _arrays(
    rest: Mapping[str, object], described: Kind, place: str, written: str, read: Reader
) -> dict[str, Array]:
    """The layer's arrays under their one name each."""
    chosen: dict[str, str] = {}
    for key in rest:
        name = described.arrays.get(key)
        if name is not None and name in chosen:
            raise UsageError(
                f"{place} ({written}) has two names for one array: {_shown(chosen[name])} and "
                f"{_shown(key)} are both {name}.",
                remedy="take one of them out",
            )
        if name is not None:
            chosen[name] = key
    for name in described.needed:
        if name not in chosen:
            key = next(key for key, target in described.arrays.items() if target == name)
            raise UsageError(f'{place} ({written}) has no "{key}".', expected=f'"{key}": an array')
    return {name: read(rest[key], f"{place}.{key}") for name, key in chosen.items()}


def _ending(spec: Mapping[str, object], read: Reader) -> Ending:
    """The loss or the upstream gradient; without either L = ΣY."""
    if "upstream" in spec:
        if "loss" in spec:
            raise UsageError('The chain has both a "loss" and an "upstream".', remedy="give one")
        return Ending(upstream=read(spec["upstream"], "upstream"))
    if "loss" not in spec:
        return Ending(assumed=True)
    entry = spec["loss"]
    given = {"type": entry} if isinstance(entry, str) else _object(entry, "loss")
    _known(given, ("type", "target"), "loss")
    if not isinstance(given.get("type"), str):
        raise UsageError('The loss has no "type".', expected='"loss": {"type": "mse", "target": …}')
    name = loss_name(str(given["type"]))
    if needs_target(name) != ("target" in given):
        raise UsageError(
            f'The loss {name} needs a "target".'
            if needs_target(name)
            else f'The loss {name} takes no "target".'
        )
    return Ending(name, read(given["target"], "loss.target") if "target" in given else None)


@contextmanager
def _located(place: str, before: list[Node], running: tuple[int, ...]) -> Iterator[None]:
    """Errors of one layer, with its place; where a shape does not fit, the layer before too."""
    try:
        yield
    except (ShapeError, GeometryError) as error:
        origin = (
            f"layers[{len(before) - 1}] ({before[-1].word}), whose output is {running}"
            if before
            else f"the input, of shape {running}"
        )
        raise _renamed(error, f"{place} after {origin}: {error.summary}") from None
    except ConvgradError as error:
        raise _renamed(error, f"{place}: {error.summary}") from None


def _renamed(error: ConvgradError, summary: str) -> ConvgradError:
    return type(error)(
        summary,
        expected=error.expected,
        found=error.found,
        remedy=error.remedy,
        array=error.array,
        source=error.source,
    )


def _object(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UsageError(f"{place} is not a JSON object.", expected="{…}", found=_shown(value))
    return value


def _known(given: Mapping[str, object], words: Iterable[str], place: str) -> None:
    words = tuple(words)
    for key in given:
        if key not in words:
            near = difflib.get_close_matches(key, words, n=1)
            raise UsageError(
                f"{place} has a key that means nothing here: {_shown(key)}.",
                expected=f"some of {', '.join(dict.fromkeys(words))}" if words else "no options",
                remedy=f'did you mean "{near[0]}"?' if near else None,
            )


def _check_value(value: object, kind: int, place: str) -> None:
    """Raise UsageError unless an option's value has its type; what it must be is said."""
    fits, expected = {
        _NUMBERS: (_is_whole(value) or _all(value, _is_whole), "a whole number, or a list of them"),
        _PADDING: (
            isinstance(value, str)
            or _is_whole(value)
            or _all(value, lambda side: _is_whole(side) or _all(side, _is_whole)),
            "a whole number, one or a [before, after] pair per dimension, or a word",
        ),
        _WHOLE: (_is_whole(value), "a whole number"),
        _REAL: (isinstance(value, int | float) and not isinstance(value, bool), "a number"),
        _FLAG: (isinstance(value, bool), "true or false"),
        _WORD: (isinstance(value, str), "a word"),
    }[kind]
    if not fits:
        raise UsageError(f"{place} cannot be read.", expected=expected, found=_shown(value))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _all(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fits, value))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
