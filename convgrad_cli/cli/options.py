"""The options that commands share, each declared once, as groups for :mod:`.signature`.

None means "not given", so that a bundle's own options can fill it; the command line wins. The
groups leave out what dataclasses can do beside holding values: it would cost at every start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Argument, Option

BundleArgument = Annotated[
    str | None,
    Argument(metavar="[BUNDLE]", help="A .npz or .json file (or -) that holds several arrays."),
]
InputOption = Annotated[
    str | None, Option("--input", "-x", help="X: file, FILE.npz:name, - or JSON.", metavar="ARRAY")
]
FilterOption = Annotated[str | None, Option("--filter", "-w", help="W.", metavar="ARRAY")]
BiasOption = Annotated[str | None, Option("--bias", "-b", help="b.", metavar="ARRAY")]
UpstreamOption = Annotated[
    str | None,
    Option("--upstream", "-g", help="dY, the upstream gradient.", metavar="ARRAY"),
]
SampleOption = Annotated[
    str | None, Option("--sample", help="A built-in example (see convgrad samples).")
]
DimsOption = Annotated[int | None, Option("--dims", help="Spatial dimensions: 1, 2 or 3.")]
LayoutOption = Annotated[
    str | None, Option("--layout", help="nchw or nhwc: channels first or last.")
]
FilterLayoutOption = Annotated[
    str | None, Option("--filter-layout", help="oihw, hwio or iohw: the order of W's axes.")
]
NonfiniteOption = Annotated[
    bool, Option("--allow-nonfinite", help="Accept NaN and infinities in the arrays.")
]
StrideOption = Annotated[str | None, Option("--stride", "-s", help="2, or 2,1.", metavar="N[,N]")]
PaddingOption = Annotated[
    str | None,
    Option(
        "--padding",
        "-p",
        help="1, 1,2, before:after as 1:0,2:1, or valid, same-upper (same), same-lower, full.",
        metavar="PADDING",
    ),
]
DilationOption = Annotated[
    str | None, Option("--dilation", "-d", help="2, or 2,1.", metavar="N[,N]")
]
GroupsOption = Annotated[int | None, Option("--groups", help="Groups of channels.")]
OutputSizeOption = Annotated[
    str | None,
    Option(
        "--output-size",
        help="Pick the padding that gives this output (odd pixel before).",
        metavar="N[,N]",
    ),
]
WindowOption = Annotated[
    str | None, Option("--window", "-k", help="A pool's window: 2, or 2,3.", metavar="N[,N]")
]
CeilOption = Annotated[
    bool | None, Option("--ceil-mode/--floor-mode", help="Keep a last, partly filled window.")
]
TiesOption = Annotated[
    str | None, Option("--ties", help="first, last or split: which of equal maxima gets dY.")
]
CountPadOption = Annotated[
    bool | None,
    Option(
        "--count-include-pad/--exclude-pad", help="Divide by the whole window, padding included."
    ),
]
NotationOption = Annotated[
    str | None,
    Option("--notation", help="slides, recitation, tutorial, diba, lecture12 or plain."),
]
SymbolsOption = Annotated[
    str | None, Option("--symbols", help="Own letters: X=A,W=K,Y=Z,b=c.", metavar="LETTERS")
]
BaseOption = Annotated[int | None, Option("--base", help="Indices count from 0 or 1.")]
QuietOption = Annotated[bool, Option("--quiet", "-q", help="No notes on stderr.")]


@dataclass(eq=False, repr=False)
class ConvArrays:
    """Where a convolution's arrays come from."""

    bundle: BundleArgument = None
    input: InputOption = None
    filter: FilterOption = None
    bias: BiasOption = None
    upstream: UpstreamOption = None
    sample: SampleOption = None
    dims: DimsOption = None
    layout: LayoutOption = None
    filter_layout: FilterLayoutOption = None
    allow_nonfinite: NonfiniteOption = False


@dataclass(eq=False, repr=False)
class PoolArrays:
    """Where a pool's arrays come from."""

    bundle: BundleArgument = None
    input: InputOption = None
    upstream: UpstreamOption = None
    sample: SampleOption = None
    dims: DimsOption = None
    layout: LayoutOption = None
    allow_nonfinite: NonfiniteOption = False


@dataclass(eq=False, repr=False)
class ConvOptions:
    """A convolution's geometry."""

    stride: StrideOption = None
    padding: PaddingOption = None
    dilation: DilationOption = None
    groups: GroupsOption = None
    output_size: OutputSizeOption = None


@dataclass(eq=False, repr=False)
class PoolOptions:
    """A pool's geometry."""

    window: WindowOption = None
    stride: Annotated[
        str | None, Option("--stride", "-s", help="Default: the window.", metavar="N[,N]")
    ] = None
    padding: PaddingOption = None
    dilation: DilationOption = None
    ceil_mode: CeilOption = None


@dataclass(eq=False, repr=False)
class OutputOptions:
    """How and where a result is written."""

    format: Annotated[
        str | None,
        Option("--format", "-f", help="table, text, latex, markdown or json.", metavar="FORMAT"),
    ] = None
    json: Annotated[bool, Option("--json", help="Short for --format json.")] = False
    output: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            help="Write to FILE (.npz .json .npy .tex .md .txt) or DIRECTORY/.",
            metavar="FILE",
        ),
    ] = None
    precision: Annotated[
        int | None, Option("--precision", help="Significant digits shown (never in JSON).")
    ] = None
    quiet: QuietOption = False


@dataclass(eq=False, repr=False)
class SymbolicOptions:
    """The per-element equations beside a numeric result."""

    symbolic: Annotated[
        bool, Option("--symbolic", help="Add every element's equation, with the numbers in it.")
    ] = False
    notation: NotationOption = None
    all_terms: Annotated[bool, Option("--all", help="Print every term, however many.")] = False


OnlyOption = Annotated[
    str | None, Option("--only", help="Compute and print these only, e.g. dX,dW.", metavar="NAMES")
]
VerifyOption = Annotated[
    bool, Option("--verify", help="Check the result by an independent route (exit 3 if not).")
]
RateOption = Annotated[
    float | None,
    Option("--learning-rate", help="Also print W − α·dW and b − α·db.", metavar="ALPHA"),
]
