"""How each course calls a backward function: what it takes, what it gives back, in which layout.

arrays   (X, W, dY, stride=…, padding=…, dilation=…, groups=…)      -> (dX, dW, db)
         (X, dY, window, stride=…, padding=…)                       -> dX
cs231n   (dout, (x, w, b, {"stride", "pad"}))                       -> (dx, dw, db)
         (dout, (x, {"pool_height", "pool_width", "stride"}))       -> dx
dlai     (dZ, (A_prev, W, b, {"stride", "pad"}))   NHWC, HWIO       -> (dA_prev, dW, db)
         (dA, (A_prev, {"f", "stride"}), mode)     NHWC             -> dA_prev
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.function_series import Case
    from convgrad_cli.check.planes import Array

SIGNATURES = ("arrays", "cs231n", "dlai")
SPELLINGS = {
    "stride": ("stride", "strides", "s"),
    "padding": ("padding", "pad", "p"),
    "dilation": ("dilation", "dilations", "d"),
    "groups": ("groups", "group", "g"),
    "window": ("window", "kernel_size", "pool_size", "kernel", "size", "ksize", "k", "f"),
    "mode": ("mode",),
}
ALL = frozenset({"stride", "padding", "dilation", "groups"})


@dataclass(frozen=True)
class Signature:
    """How to call the function: which options it takes, under which names."""

    name: str
    layer: str
    accepts: frozenset[str]
    keywords: dict[str, str] = field(default_factory=dict)
    whole_window: bool = False  # the window is one int, not one per axis

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
        return ["dX", "dW", "db"] if self.layer == "conv" else ["dX"]


def read_signature(
    name: str, layer: str, parameters: Sequence[tuple[str, str]] | None
) -> Signature:
    """The signature ``name`` for a function with these parameters (None: not known, all tried).

    Raises UsageError for an unknown name.
    """
    if name not in SIGNATURES:
        raise UsageError(f"Unknown signature {name!r}.", expected=f"one of {', '.join(SIGNATURES)}")
    keywords = _keywords(parameters)
    if name != "arrays":
        pool = {"stride"} if layer != "conv" else {"stride", "padding"}
        mode = {"mode": keywords["mode"]} if "mode" in keywords else {}
        return Signature(name, layer, frozenset(pool), mode)
    accepts = ALL & keywords.keys()
    if layer != "conv":
        accepts -= {"groups"}
    return Signature(name, layer, frozenset(accepts), keywords)


def _keywords(parameters: Sequence[tuple[str, str]] | None) -> dict[str, str]:
    """Our names of the options the function takes, to its own."""
    if parameters is None or any(kind == "VAR_KEYWORD" for _, kind in parameters):
        free = {ours: ours for ours in (*sorted(ALL), "window")}
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
    plan = problem.plan
    arrays = {"X": plan.X.from_canonical(problem.X), "dY": plan.Y.from_canonical(problem.dY)}
    if hasattr(problem, "W"):
        arrays |= {"W": plan.W.from_canonical(problem.W), "b": problem.b}
        if plan.W.order[0] != 0:
            arrays["b"] = problem.b.reshape((1,) * (problem.W.ndim - 1) + (-1,))
    return {name: array.copy(order="C") for name, array in arrays.items()}


def call_of(signature: Signature, case: Case) -> dict[str, Any]:
    """The call as JSON for the runner."""
    options = case.options
    leaf = {name: {"array": name} for name in ("X", "W", "b", "dY")}
    kwargs: dict[str, Any] = {}
    if signature.name == "arrays":
        args, kwargs = _by_arrays(signature, options, leaf)
    elif signature.layer == "conv":
        settings = {"dict": {"stride": options["stride"], "pad": options["padding"]}}
        args = [leaf["dY"], {"tuple": [leaf["X"], leaf["W"], leaf["b"], settings]}]
    else:
        args = [leaf["dY"], {"tuple": [leaf["X"], {"dict": _pool_settings(signature, options)}]}]
        if "mode" in signature.keywords:
            kwargs["mode"] = "max" if signature.layer == "maxpool" else "average"
    return {"args": args, "kwargs": kwargs, "returns": signature.returns}


def _by_arrays(
    signature: Signature, options: dict[str, Any], leaf: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    kwargs = {signature.keywords[name]: options[name] for name in sorted(signature.accepts)}
    if signature.layer == "conv":
        return [leaf["X"], leaf["W"], leaf["dY"]], kwargs
    sizes = options["window"]
    window = sizes[0] if signature.whole_window else {"tuple": list(sizes)}
    if "window" in signature.keywords:
        return [leaf["X"], leaf["dY"]], {signature.keywords["window"]: window, **kwargs}
    return [leaf["X"], leaf["dY"], window], kwargs


def _pool_settings(signature: Signature, options: dict[str, Any]) -> dict[str, Any]:
    window = options["window"]
    if signature.name == "dlai":
        return {"f": window[0], "stride": options["stride"]}
    names = ("pool_height", "pool_width") if len(window) == 2 else ("pool_size",)
    return {**dict(zip(names, window, strict=False)), "stride": options["stride"]}
