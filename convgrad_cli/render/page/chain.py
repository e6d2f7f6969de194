"""The page of a whole chain: every layer's planes in order, forward and back.

Each layer is written as its own page would have it, in its own letters; ``names`` says which array
of the page a letter is. ``h2`` is the map before layer 2: its X, and the Y of layer 1. ``dh2`` is
its gradient: the dX of layer 2 is the dY of layer 1.
"""

from __future__ import annotations

import itertools
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.notation_known import NOTATIONS
from convgrad_cli.errors import UsageError
from convgrad_cli.layers.loss import FORMULAS
from convgrad_cli.render.facts import facts
from convgrad_cli.render.page.chain_part import part_of
from convgrad_cli.render.page.chain_separable import shown_steps
from convgrad_cli.render.page.chain_words import about, document, titles
from convgrad_cli.render.page.payload import activation_data, plain_number, possible_divisors
from convgrad_cli.render.page.symbols import fractions, joints, layer_symbols, notation_symbols
from convgrad_cli.render.page.tables import dense_table, flatten_table, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.layers.chain import Pass
    from convgrad_cli.render.page.chain_part import Part

MOST_CELLS, MOST_SIDE = 20_000, 64


def chain_payload(done: Pass, notation: Notation) -> dict[str, Any]:
    """Everything the page of a chain needs, ready for JSON.

    Raises UsageError for a layer that has no tables, for channels last, and for a chain too large.
    """
    parts = [part_of(shown, k, notation) for k, shown in enumerate(shown_steps(done))]
    arrays, given = _arrays(parts, done)
    _check_size(arrays, "layer" if len(done.steps) == 1 else "chain")
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
        "titles": titles(parts),
        "about": about(parts, lost=done.loss is not None),
        "batch": max((shape[0] for shape in maps), default=1),
        "called": ["channel", "filter"],
        "axes": [],
        "document": document(parts, done),
        "notations": [{"name": n.name} for n in chosen],
        "joints": joints(names),
        "fractions": _fractions(parts, names),
        "showAll": False,
        "mayShowAll": False,
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
        "heading": part.called,
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

    for k, (part, side) in enumerate(_maps(parts)):
        (shape, lead), order = part.shape(side), part.order(side)
        put(f"h{k}", shape, lead, order, None if k else parts[0].step.X)
        upstream = parts[-1].step.dY if k == len(parts) and done.loss is None else None
        put(f"dh{k}", shape, lead, order, upstream)
    for part in parts:
        for name, (shape, lead, order, values) in part.own().items():
            put(name, shape, lead, order, values)
    return arrays, given


def _maps(parts: list[Part]) -> Iterator[tuple[Part, str]]:
    """For each map the layer whose shape it has: the one it enters, or, where that knows no planes
    (flatten, dense), the one it leaves."""
    yield parts[0], "X"
    for before, after in itertools.pairwise(parts):
        yield (before, "Y") if after.layer is None and before.layer is not None else (after, "X")
    yield parts[-1], "Y"


def _check_size(arrays: dict[str, Any], word: str) -> None:
    cells = sum(prod(array["shape"]) for array in arrays.values())
    planes = [a["shape"][a["lead"] :] for n, a in arrays.items() if n[0] == "h" and a["lead"]]
    side = max(map(max, planes), default=0)
    if cells > MOST_CELLS or side > MOST_SIDE:
        raise UsageError(
            f"The {word} is too large for a page that stays fluid.",
            expected=f"at most {MOST_SIDE}×{MOST_SIDE} positions a plane and {MOST_CELLS} numbers",
            found=f"{cells} numbers, a plane of up to {side} positions a side",
            remedy="a smaller input"
            + (", or convgrad chain --layer N for one layer's page" if word == "chain" else ""),
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


def _fractions(parts: list[Part], names: Names) -> dict[str, Any]:
    found: set[int] = set()
    for part in parts:
        if part.layer is not None:
            found |= set(possible_divisors(part.layer))
    return fractions(names, found)
