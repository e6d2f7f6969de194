"""The page of a whole chain: every layer's planes in order, forward and back.

Each layer is written as its own page would have it, in its own letters; ``names`` says which array
of the page a letter is. ``h2`` is the map before layer 2: its X, and the Y of layer 1. ``dh2`` is
its gradient: the dX of layer 2 is the dY of layer 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.dense import TracedDense, TracedFlatten
from convgrad_cli.derivation.notation import Names
from convgrad_cli.derivation.notation_known import NOTATIONS
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.pointwise import plan_pointwise
from convgrad_cli.geometry.upsample import plan_upsample
from convgrad_cli.layers.loss import FORMULAS
from convgrad_cli.render.facts import facts
from convgrad_cli.render.layer import Layer
from convgrad_cli.render.page.payload import activation_data, plain_number, possible_divisors
from convgrad_cli.render.page.symbols import fractions, joints, layer_symbols, notation_symbols
from convgrad_cli.render.page.tables import dense_table, flatten_table, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.layers.chain import Pass, Step

MOST_CELLS, MOST_SIDE = 20_000, 64


@dataclass(frozen=True)
class Part:
    """One layer of a chain: its step, its place, and the layer where it has a page of its own."""

    step: Step
    place: int
    notation: Notation
    layer: Layer | None

    @property
    def word(self) -> str:
        """The layer as the user calls it."""
        return self.step.node.word

    @property
    def called(self) -> str:
        """The layer among the others: ``conv 0``."""
        return f"{self.word} {self.place}"

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


def chain_payload(done: Pass, notation: Notation) -> dict[str, Any]:
    """Everything the page of a chain needs, ready for JSON.

    Raises UsageError for a layer that has no tables, for channels last, and for a chain too large.
    """
    parts = [_part(step, place, notation) for place, step in enumerate(done.steps)]
    arrays, given = _arrays(parts, done)
    _check_size(arrays)
    chosen = (notation, *(n for n in NOTATIONS.values() if n.name != notation.name))
    names = Names(notation, parts[0].traced)
    maps = [array["shape"] for name, array in arrays.items() if name[0] == "h" and array["lead"]]
    results = [name for part in parts for name in part.results]
    return {
        "kind": "chain",
        "layers": [_layer(part, chosen) for part in parts],
        "arrays": arrays,
        "given": given,
        "inputs": [name for name, array in arrays.items() if "values" in array],
        "results": results + ([f"dh{len(parts)}"] if done.loss is not None else []),
        "loss": _loss(done, len(parts)),
        "titles": _titles(parts),
        "about": _about(parts, lost=done.loss is not None),
        "batch": max((shape[0] for shape in maps), default=1),
        "called": ["channel", "filter"],
        "axes": [],
        "document": _document(parts, done),
        "notations": [{"name": n.name} for n in chosen],
        "joints": joints(names),
        "fractions": _fractions(parts, names),
        "showAll": False,
        "mayShowAll": False,
    }


def _part(step: Step, place: int, notation: Notation) -> Part:
    """Raises UsageError for a layer without tables, or with its channels last."""
    node: Any = step.node
    if node.kind not in _LAYERS and node.kind not in ("flatten", "dense"):
        raise UsageError(
            f"layers[{place}] ({node.word}) has no page.",
            expected=", ".join((*_LAYERS, "flatten", "dense")),
        )
    make = _LAYERS.get(node.kind)
    layer = None if make is None else make(step, notation)
    if layer is not None and list(layer.plan.X.order) != sorted(layer.plan.X.order):
        raise UsageError(
            f"layers[{place}] ({node.word}) has its channels last.",
            expected="channels first, in the page of a chain",
        )
    return Part(step, place, notation, layer)


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


def _layer(part: Part, notations: tuple[Notation, ...]) -> dict[str, Any]:
    """One layer as the page takes it."""
    layer = part.layer
    if layer is not None:
        table, said = tables(layer), facts(layer)
        written = [layer_symbols(layer, notation) for notation in notations]
    else:
        X, Y = part.shape("X")[0], part.shape("Y")[0]
        dense = part.step.node.kind == "dense"
        table = dense_table(X, Y) if dense else flatten_table(prod(X))
        said = " → ".join("×".join(map(str, shape)) for shape in (X, Y))
        written = [notation_symbols(Names(notation, part.traced)) for notation in notations]
    for axis in table["axes"]:
        axis.pop("sliding", None)
    return {
        **table,
        "word": part.word,
        "facts": said,
        "names": part.names,
        "hasBias": "b" in part.step.node.parameters,
        "activation": None if layer is None else activation_data(layer),
        "notations": written,
    }


def _arrays(parts: list[Part], done: Pass) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shapes of all arrays, the numbers of those that are given, and how the user has them."""
    arrays: dict[str, Any] = {}
    given: dict[str, Any] = {}

    def put(name: str, shape: Any, lead: int, order: Any, values: Any = None) -> None:
        arrays[name] = {"shape": shape, "lead": lead}
        if values is not None:
            arrays[name]["values"] = [plain_number(v) for v in values.ravel().tolist()]
        given[name] = {
            "order": order,
            "integer": values is not None and values.dtype.kind in "iu",
        }

    for k in range(len(parts) + 1):
        before, after = (parts[k - 1] if k else None), (parts[k] if k < len(parts) else None)
        use_after = after is not None and (
            after.layer is not None or before is None or before.layer is None
        )
        part, side = (after, "X") if use_after else (before, "Y")
        assert part is not None
        (shape, lead), order = part.shape(side), part.order(side)
        put(f"h{k}", shape, lead, order, None if k else parts[0].step.X)
        upstream = parts[-1].step.dY if k == len(parts) and done.loss is None else None
        put(f"dh{k}", shape, lead, order, upstream)
    for part in parts:
        for name, (shape, lead, order, values) in part.own().items():
            put(name, shape, lead, order, values)
    return arrays, given


def _check_size(arrays: dict[str, Any]) -> None:
    cells = sum(prod(array["shape"]) for array in arrays.values())
    side = (
        max(max(a["shape"][a["lead"] :]) for n, a in arrays.items() if n[0] == "h" and a["lead"])
        if any(a["lead"] for n, a in arrays.items() if n[0] == "h")
        else 0
    )
    if cells > MOST_CELLS or side > MOST_SIDE:
        raise UsageError(
            "The chain is too large for a page that stays fluid.",
            expected=f"at most {MOST_SIDE}×{MOST_SIDE} positions a plane and {MOST_CELLS} numbers",
            found=f"{cells} numbers, a plane of up to {side} positions a side",
            remedy="a smaller input, or convgrad chain --layer N for one layer's page",
        )


def _loss(done: Pass, last: int) -> dict[str, Any] | None:
    if done.loss is None:
        return None
    target = done.ending.target
    value, gradient = FORMULAS[done.ending.name]
    return {
        "name": done.ending.name,
        "Y": f"h{last}",
        "dY": f"dh{last}",
        "target": [] if target is None else [plain_number(v) for v in target.ravel().tolist()],
        "formula": value,
        "gradient": gradient,
    }


def _titles(parts: list[Part]) -> dict[str, str]:
    last = len(parts)
    titles = {"h0": "X", f"dh{last}": f"dY of {parts[-1].called}"}
    for k, part in enumerate(parts):
        titles |= {f"h{k + 1}": f"Y of {part.called}", f"dh{k}": f"dX of {part.called}"}
        titles |= {
            name: letter
            for letter, name in part.names.items()
            if name[0] not in "h" and name[:2] != "dh"
        }
        titles[f"slope{k}"] = "σ′"
    return titles


def _about(parts: list[Part], *, lost: bool) -> dict[str, str]:
    last = len(parts)
    about = {"h0": "input", f"h{last}": "output", "dh0": "gradient of the input"}
    about[f"dh{last}"] = "from the loss" if lost else "upstream gradient"
    for k in range(1, last):
        about |= {
            f"h{k}": f"= X of {parts[k].called}",
            f"dh{k}": f"= dY of {parts[k - 1].called}",
        }
    for k, part in enumerate(parts):
        words = {
            "W": "filter",
            "b": "bias",
            "dW": "gradient of the filter",
            "db": "gradient of the bias",
        }
        if part.word == "dense":
            words |= {"W": "weight", "dW": "gradient of the weight"}
        about |= {name: words[letter] for letter, name in part.names.items() if letter in words}
        about |= {f"slope{k}": "slope of the activation", f"switches{k}": "where the maximum was"}
    return about


def _document(parts: list[Part], done: Pass) -> dict[str, Any]:
    """The chain's file, ``{"$": name}`` where an array of the page stands."""
    layers = []
    keys = {"W": "filter", "b": "bias"}
    for part in parts:
        node = part.step.node
        entry: dict[str, Any] = {"type": part.word}
        entry |= {
            key: value
            for key, value in node.options.items()
            if (node.kind, key) != ("activation", "name")
        }
        entry |= {keys[letter]: {"$": part.names[letter]} for letter in node.parameters}
        if node.kind == "dense":
            entry["weight"] = entry.pop("filter")
        layers.append(entry)
    document: dict[str, Any] = {"input": {"$": "h0"}, "layers": layers}
    if done.loss is None:
        return document | {"upstream": {"$": f"dh{len(parts)}"}}
    loss: dict[str, Any] = {"type": done.ending.name}
    if done.ending.target is not None:
        loss["target"] = done.ending.target.tolist()
    return document | {"loss": loss}


def _fractions(parts: list[Part], names: Names) -> dict[str, Any]:
    found: set[int] = set()
    for part in parts:
        if part.layer is not None:
            found |= set(possible_divisors(part.layer))
    return fractions(names, found)


def _plain(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """A shape whose layer has no plan: (features,) as one sample; more than two axes lead."""
    if len(shape) == 1:
        return (1, *shape), 0
    return shape, max(0, len(shape) - 2)
