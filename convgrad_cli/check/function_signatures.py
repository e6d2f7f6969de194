"""How each course calls a backward function: what it takes, what it gives back, in which layout.

arrays   (X, W, dY, stride=…, padding=…, dilation=…, groups=…)      -> (dX, dW, db)
         (X, W, b, dA, stride=…, …)    conv with an activation      -> (dX, dW, db)
         (X, W, dY, transforms=…, …)   conv under transforms, dY (N, S, K, …)  -> (dX, dW, db)
         (X, depthwise, pointwise, dY, stride=…, …)    separable
                                        -> (dX, dDepthwise, dPointwise, db)
         (X, W, dY, …, output_padding=…)    transposed, W (C, K/groups, …)  -> (dX, dW, db)
         (X, dY, window, stride=…, padding=…)    pools              -> dX
         (X, dY, stride=…)    upsampling; or the scale third        -> dX
         (Z, dA, slope=…)     activation                            -> dZ
cs231n   (dout, (x, w, b, {"stride", "pad"}))                       -> (dx, dw, db)
         (dout, (x, {"pool_height", "pool_width", "stride"}))       -> dx
         (dout, x)            activation                            -> dx
dlai     (dZ, (A_prev, W, b, {"stride", "pad"}))   NHWC, HWIO       -> (dA_prev, dW, db)
         (dA, (A_prev, {"f", "stride"}), mode)     NHWC             -> dA_prev
         (dA, Z)              activation                            -> dZ
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.check.function_series import Case
    from convgrad_cli.check.kind import Kind
    from convgrad_cli.check.planes import Array

SPELLINGS = {
    "stride": ("stride", "strides", "s", "scale", "scale_factor"),
    "padding": ("padding", "pad", "p"),
    "dilation": ("dilation", "dilations", "d"),
    "groups": ("groups", "group", "g"),
    "output_padding": ("output_padding", "out_pad"),
    "slope": ("slope", "negative_slope", "alpha"),
    "window": ("window", "kernel_size", "pool_size", "kernel", "size", "ksize", "k", "f"),
    "mode": ("mode",),
    "transforms": ("transforms", "names"),
}
FREE = tuple(name for name in SPELLINGS if name != "mode")


@dataclass(frozen=True)
class Signature:
    """How to call the function: which options it takes, under which names."""

    name: str
    kind: Kind
    accepts: frozenset[str]
    keywords: dict[str, str] = field(default_factory=dict)
    whole_window: bool = False  # the window is one int, not one per axis

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.kind.name

    @property
    def layouts(self) -> dict[str, str]:
        """The layouts this signature's arrays have."""
        return {"layout": "nhwc", "filter_layout": "hwio"} if self.name == "dlai" else {}

    @property
    def square(self) -> bool:
        """Whether the filter has one size for all axes (``f``)."""
        return self.name == "dlai" or self.whole_window

    @property
    def returns(self) -> list[str]:
        """The names of what comes back."""
        return list(self.kind.returns)

    def chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options under the function's own names."""
        taken = sorted(self.accepts & options.keys())
        return {self.keywords[name]: options[name] for name in taken}


def read_signature(
    name: str, kind: Kind, parameters: Sequence[tuple[str, str]] | None
) -> Signature:
    """The signature ``name`` for a function with these parameters (None: not known, all tried).

    Raises UsageError for a name that is unknown, or unknown for this layer.
    """
    if not kind.calls:
        raise UsageError(
            f"{kind.article} cannot be checked as a function.",
            remedy="run it yourself and give its results to convgrad check arrays",
        )
    if name not in kind.calls:
        raise UsageError(
            f"Unknown signature {name!r} of a function for the layer {kind.name}.",
            expected=f"one of {', '.join(kind.calls)}",
        )
    keywords = _keywords(parameters)
    if name != "arrays":
        mode = {"mode": keywords["mode"]} if "mode" in keywords else {}
        return Signature(name, kind, kind.accepts & COURSES.get(kind.name, set()), mode)
    return Signature(name, kind, kind.accepts & keywords.keys(), keywords)


#: What the courses' caches hold.
COURSES = {"conv": {"stride", "padding"}, "maxpool": {"stride"}, "avgpool": {"stride"}}


def _keywords(parameters: Sequence[tuple[str, str]] | None) -> dict[str, str]:
    """Our names of the options the function takes, to its own."""
    if parameters is None or any(kind == "VAR_KEYWORD" for _, kind in parameters):
        free = {ours: ours for ours in FREE}
        return free if parameters is None else free | _spelled(parameters)
    return _spelled(parameters)


def _spelled(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    taken = {
        name for name, kind in parameters[1:] if kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")
    }
    found = {}
    for ours, spellings in SPELLINGS.items():
        name = next((spelling for spelling in spellings if spelling in taken), None)
        if name is not None:
            found[ours] = name
    return found


def arrays_of(case: Case) -> dict[str, Array]:
    """The case's arrays in the signature's layouts; b as (1, 1, 1, K) where they are NHWC."""
    problem: Any = case.problem
    arrays = {}
    for name, array in problem.operands().items():
        layout = problem.layout(name)
        arrays[name] = array if layout is None else layout.from_canonical(array)
    filters = getattr(problem.plan, "W", None)
    if "b" in arrays and filters is not None and filters.order[0] != 0:
        arrays["b"] = problem.b.reshape((1,) * (problem.W.ndim - 1) + (-1,))
    told = ("X", "Z", "depthwise", "pointwise", "dY", "W", "b", "dA")
    return {name: arrays[name].copy(order="C") for name in told if name in arrays}


def call_of(signature: Signature, case: Case) -> dict[str, Any]:
    """The call as JSON for the runner."""
    leaf = {name: {"array": name} for name in case.problem.operands()}
    args, kwargs = signature.kind.calls[signature.name](signature, case.options, leaf)
    return {"args": args, "kwargs": kwargs, "returns": signature.returns}
