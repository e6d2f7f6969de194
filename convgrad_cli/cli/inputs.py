"""From the options of a command to its layer: arrays gathered, options merged, the plan made.

Arrays come from the options, from one bundle, or from a built-in example; the command line wins.
Every error about an array gets the file it came from here, once.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli import words
from convgrad_cli.cli.memory import ensure_fits
from convgrad_cli.errors import ConvgradError, UsageError
from convgrad_cli.geometry import ConvPlan, Plan, PoolPlan, plan_conv, plan_pool
from convgrad_cli.geometry.kinds import conv_keywords, pool_keywords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from convgrad_cli.arrays import Loaded, Stdin
    from convgrad_cli.cli.options import ConvArrays, ConvOptions, PoolArrays, PoolOptions

_FLAGS = {"input": "X", "filter": "W", "bias": "b", "upstream": "dY"}
_NUMBERED = (
    "window", "stride", "padding", "dilation", "groups", "dims", "layout", "ceil_mode",
    "output_size", "output_padding",
)  # fmt: skip
"""Options that an error of the geometry may be about."""


@dataclass
class Given:
    """What the user gave: arrays under the contract's names, and options not yet read as a plan."""

    arrays: dict[str, Loaded] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    notation: str | None = None
    operation: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        if name not in self.arrays:
            flag = next((flag for flag, array in _FLAGS.items() if array == name), None)
            raise UsageError(
                f"{name} is missing.",
                expected=f"--{flag} or a bundle that holds {name}" if flag else None,
                remedy="or take a built-in example: --sample slides (convgrad samples lists them)",
                array=name,
            )
        return self.arrays[name].array

    def get(self, name: str) -> np.ndarray[Any, Any] | None:
        """The array, or None where it was not given."""
        return self.arrays[name].array if name in self.arrays else None

    @property
    def sources(self) -> list[str]:
        """The files the arrays came from: an output must not be one of them."""
        return [loaded.path for loaded in self.arrays.values() if loaded.path is not None]

    def locating(self, make: Callable[[], Any]) -> Any:
        """``make()``, with the file of the array concerned added to its errors."""
        try:
            return make()
        except ConvgradError as error:
            loaded = self.arrays.get(error.array or "")
            raise error.located(loaded.source if loaded else option_flag(error.array)) from None


def option_flag(name: str | None) -> str | None:
    """The option that gives what an error calls ``output padding``; None for what is no option."""
    key = "stride" if name == "scale" else (name or "").replace(" ", "_")
    return f"--{key.replace('_', '-')}" if key in _NUMBERED else None


def gather(
    arrays: ConvArrays | PoolArrays, options: ConvOptions | PoolOptions, extra: dict[str, Any]
) -> Given:
    """Everything the user gave, merged. ``extra`` holds further options (ties …) by bundle name.

    Without any array, the first example whose geometry is that of the options.
    """
    from convgrad_cli.arrays.stdin import Stdin

    stdin = Stdin(getattr(sys.stdin, "buffer", None))
    typed = typed_options(options) | {key: v for key, v in extra.items() if v is not None}
    for key in ("dims", "layout", "filter_layout"):
        if (value := getattr(arrays, key, None)) is not None:
            typed[key] = value
    given = _base(arrays, stdin, typed)
    for flag, name in _FLAGS.items():
        spec = getattr(arrays, flag, None)
        if spec is not None:
            from convgrad_cli.arrays import read_array

            given.arrays[name] = read_array(
                spec, name, stdin, allow_nonfinite=arrays.allow_nonfinite
            )
    given.options |= typed
    return given


_COMMANDS = {
    "conv": "convgrad forward or convgrad backward",
    "maxpool": "convgrad maxpool",
    "avgpool": "convgrad avgpool",
    "transposed": "convgrad transposed",
    "upsample": "convgrad transposed --upsample",
    "activation": "convgrad activation",
    "separable": "convgrad separable",
}


def only_bundles_of(given: Given, *kinds: str) -> None:
    """Raise UsageError for a bundle that says it is another layer's, naming that one's command."""
    kind = (given.operation or "").partition("_")[0]
    if kind not in _COMMANDS or kind in kinds:
        return
    sources = [loaded.source for loaded in given.arrays.values()]
    raise UsageError(
        f"The bundle is another layer's: its operation is {given.operation}.",
        expected=" or ".join(f"{known}_forward or {known}_backward" for known in kinds),
        found=given.operation,
        remedy=f"{_COMMANDS[kind]} takes it; or take the operation out of the bundle",
    ).located(sources[0] if sources else None)


def conv_plan(given: Given) -> ConvPlan:
    """The plan of the convolution the user gave; b is checked too where there is one."""
    shapes = given["X"].shape, given["W"].shape
    plan: ConvPlan = given.locating(
        lambda: plan_conv(*shapes, **conv_keywords(given.options)),
    )
    b = given.get("b")
    if b is not None:
        given.locating(lambda: plan.check_bias(b.shape))
    return plan


def pool_plan(given: Given) -> PoolPlan:
    """The plan of the pool the user gave."""
    shape = given["X"].shape
    return given.locating(lambda: plan_pool(shape, **pool_keywords(given.options)))  # type: ignore[no-any-return]


def upstream(given: Given, plan: Plan, of: str = "Y") -> np.ndarray[Any, Any]:
    """dY as given (its shape checked), or ones where there is none: L = ΣY, and a note says so.

    ``of`` is what it is the gradient of: A where an activation follows.
    """
    dY = given.get("dY")
    if dY is None:
        import numpy as np

        given.notes.append(
            f"No upstream gradient was given: d{of} = 1 everywhere, that is L = Σ{of}."
        )
        dtype = np.result_type(*_operands(given))
        ensure_fits(plan.output_shape, dtype.itemsize, "dY")
        return np.broadcast_to(np.ones((), dtype), plan.output_shape)
    given.locating(lambda: plan.check_upstream(dY.shape))
    return dY.reshape(plan.output_shape)


def _operands(given: Given) -> Iterator[Any]:
    names = ("X", "W", "depthwise", "pointwise")
    return (given.arrays[name].array.dtype for name in names if name in given.arrays)


def _base(arrays: ConvArrays | PoolArrays, stdin: Stdin, typed: dict[str, Any]) -> Given:
    """What the bundle or the example holds, before the command line's own arrays."""
    named = [flag for flag in _FLAGS if getattr(arrays, flag, None) is not None]
    if arrays.bundle is not None and arrays.sample is not None:
        raise UsageError("A bundle and --sample are both given.", remedy="give one of them")
    if arrays.bundle is not None:
        return bundled(arrays.bundle, stdin, allow_nonfinite=arrays.allow_nonfinite)
    if named and arrays.sample is None:
        return Given()
    from convgrad_cli.cli.examples import choose_example, example_arrays, named_example

    if arrays.sample is not None:
        example = named_example(arrays.sample)
        held, options = example_arrays(example), dict(example.options)
        if example.layer == "conv" and not hasattr(arrays, "filter"):
            note = f"The example {example.name} is a convolution's: the pool takes its X alone."
            return Given({"X": held["X"]}, {}, [note], example.notation)
        return Given(held, options, notation=example.notation)
    example = choose_example("conv" if hasattr(arrays, "filter") else "pool", typed)
    note = f"No arrays were given: this is the built-in example {example.name} ({example.title})."
    return Given(example_arrays(example), dict(example.options), [note], example.notation)


def bundled(spec: str, stdin: Stdin, *, allow_nonfinite: bool) -> Given:
    """What a bundle holds: its arrays, its options as values, and what it says it is."""
    from convgrad_cli.arrays import read_bundle

    bundle = read_bundle(spec, stdin, allow_nonfinite=allow_nonfinite)
    options = dict(bundle.options)
    if isinstance(options.get("padding"), str):
        options["padding"] = words.padding(str(options["padding"]))
    operation = options.pop("operation", None)
    return Given(dict(bundle.arrays), options, operation=str(operation) if operation else None)


def typed_options(options: ConvOptions | PoolOptions) -> dict[str, Any]:
    """The geometry options of the command line as values; what was not given is left out."""
    typed: dict[str, Any] = {}
    for key in ("window", "stride", "dilation", "output_size"):
        text = getattr(options, key, None)
        if text is not None:
            typed[key] = words.whole_numbers(text, f"--{key.replace('_', '-')}")
    if options.padding is not None and "output_size" in typed:
        raise UsageError(
            "--padding and --output-size are both given.",
            remedy="give one: --output-size picks the padding",
        )
    if options.padding is not None:
        typed["padding"] = words.padding(options.padding)
    for key in ("groups", "ceil_mode"):
        if (value := getattr(options, key, None)) is not None:
            typed[key] = value
    return typed
