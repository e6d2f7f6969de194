"""The catalogue for one filter under several transforms: rows R1 to R6, and each map's own.

    Y[:, s] = conv(X, T_s W) + b       dX = sum over s of the map's dX
    dW = sum over s of T_s* (the gradient of T_s W)       db = sum over every map

A mistake changes how the filters are made (``turns``), how a map's gradient comes back to W
(``pull``), which maps count (``kept``) or whether their mean is taken (``mean``); a mistake of the
convolution is made in every map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.check.mistake import Mistake, Row, row_table
from convgrad_cli.geometry.transforms import scale, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.planes import Array

_ALL: Final = ("dX", "dW", "db")
TRANSFORM_ROWS: Final = row_table(
    [
        Row("R1", "a map's gradient not pulled back through its transform", ("dW",)),
        Row("R2", "one map only", _ALL),
        Row("R3", "the mean over the maps instead of the sum", _ALL),
        Row("R4", "a transform the wrong way round", ("dX", "dW", "Y")),
        Row("R5", "the filter not transformed", ("dX", "Y")),
        Row("R6", "scale2's blocks averaged or sampled, not summed", ("dW",)),
    ]
)
#: Transforms that are not their own inverse.
INVERSE: Final[dict[str, str]] = {"rot90": "rot270", "rot270": "rot90"}
STAGES: Final = {"turns": "transform", "pull": "pull", "kept": "maps", "mean": "mean"}


def _inverse(name: str) -> str:
    """The transform that undoes a turn."""
    return INVERSE.get(name, name)


def applied(name: str, W: Array) -> Array:
    """T·W, entry by entry: (T·W)[p, q] = W[source(p, q)]."""
    kernel = W.shape[-1]
    p, q = _sources(name, kernel)
    return np.asarray(W[..., p, q])


def pulled(name: str, dT: Array, kernel: int) -> Array:
    """T*·dT: every entry goes back to where it was copied from."""
    p, q = _sources(name, kernel)
    back = np.zeros((kernel, kernel, *dT.shape[:-2]))
    np.add.at(back, (p, q), np.moveaxis(dT, (-2, -1), (0, 1)))
    return np.moveaxis(back, (0, 1), (-2, -1))


def _sources(name: str, kernel: int) -> tuple[Array, Array]:
    size = kernel * scale(name)
    places = [[source(name, (p, q), kernel) for q in range(size)] for p in range(size)]
    table = np.array(places)
    return table[..., 0], table[..., 1]


def _mistake(id: str, phrase: str, fix: str, **changes: Any) -> Mistake:
    return Mistake(id, phrase, fix, changes, frozenset(STAGES[name] for name in changes))


def transform_mistakes(target: str, names: Sequence[str], kernel: int) -> list[Mistake]:
    """Every reading of every row for ``target``."""
    found: list[Mistake] = []
    if target == "dW":
        found += [*_not_pulled(names, kernel), *_blocks(names)]
    if target in ("dX", "Y"):
        found += _filters(names)
    if target in _ALL and len(names) > 1:
        found += _maps(names)
    return found


def _not_pulled(names: Sequence[str], kernel: int) -> Iterator[Mistake]:
    fix = "bring each map's gradient back by the transform's adjoint (of a rotation: its inverse)"
    moved = [name for name in names if name not in ("identity", "scale2")]

    def left(which: Sequence[str]) -> Any:
        return lambda name, dT: dT if name in which else pulled(name, dT, kernel)

    if moved:
        phrase = "the maps' gradients added without being pulled back"
        yield _mistake("R1", phrase, fix, pull=left(moved))
    for name in moved if len(moved) > 1 else ():
        yield _mistake("R1", f"{name}'s gradient not pulled back", fix, pull=left([name]))
    if any(name in INVERSE for name in names):
        phrase = "the gradients turned once more instead of back"
        yield _mistake(
            "R4",
            phrase,
            fix,
            pull=lambda name, dT: pulled(_inverse(name), dT, kernel),
        )


def _blocks(names: Sequence[str]) -> Iterator[Mistake]:
    if "scale2" not in names:
        return
    fix = "each weight was copied into a 2×2 block: add the block's gradients up"
    corner: Any = (..., slice(None, None, 2), slice(None, None, 2))

    def instead(function: Any) -> Any:
        def pull(name: str, dT: Array) -> Array:
            kernel = dT.shape[-1] // scale(name)
            return np.asarray(function(dT) if name == "scale2" else pulled(name, dT, kernel))

        return pull

    mean = instead(lambda dT: pulled("scale2", dT, dT.shape[-1] // 2) / 4.0)
    yield _mistake("R6", "the mean over scale2's blocks", fix, pull=mean)
    phrase = "the first entry of scale2's blocks only"
    yield _mistake("R6", phrase, fix, pull=instead(lambda dT: dT[corner]))


def _filters(names: Sequence[str]) -> Iterator[Mistake]:
    fix = "map s is the convolution with T_s W (rot90 counter-clockwise, as NumPy's)"
    if any(name in INVERSE for name in names):
        phrase = "rot90 and rot270 the wrong way round (clockwise)"
        yield _mistake("R4", phrase, fix, turns=lambda name, W: applied(_inverse(name), W))
    if "scale2" not in names and tuple(names) != ("identity",):
        phrase = "the filter as it stands in every map"
        yield _mistake("R5", phrase, fix, turns=lambda name, W: W)


def _maps(names: Sequence[str]) -> Iterator[Mistake]:
    fix = "the maps share W, b and X: add their gradients up"
    for s, name in enumerate(names):
        yield _mistake("R2", f"the map of {name} only", fix, kept=(s,))
    phrase = f"the mean over the maps instead of the sum (1/{len(names)})"
    yield _mistake("R3", phrase, fix, mean=len(names))
