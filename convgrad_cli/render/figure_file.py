"""From a figure to its file: the style, the formats, and matplotlib itself."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

    from matplotlib.figure import Figure

FORMATS = ("svg", "png", "pdf")


def save(sheet: Figure, stream: BinaryIO, form: str) -> None:
    """Write the figure; equal figures give equal bytes (no date, a fixed salt for identifiers)."""
    matplotlib = load_matplotlib()
    metadata = {
        "svg": {"Date": None, "Creator": "convgrad"},
        "pdf": {"CreationDate": None, "Creator": "convgrad", "Producer": "convgrad"},
        "png": {"Software": "convgrad"},
    }[form]
    written = BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        sheet.savefig(written, format=form, dpi=150, metadata=metadata)
    content = written.getvalue()
    stream.write(_with_fallbacks(content) if form == "svg" else content)


def _with_fallbacks(svg: bytes) -> bytes:
    """Each font of an SVG followed by fonts of the same widths, for viewers that lack it."""
    for font, others in _FALLBACKS.items():
        svg = re.sub(rb"(style=\"[^\"<>]*'%b')" % font.encode(), rb"\1, " + others.encode(), svg)
    return svg


def load_matplotlib() -> Any:
    """matplotlib with no display; raises UsageError where it is not installed."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise UsageError(
            "Figures are drawn by matplotlib, which is not installed.",
            remedy="pip install 'convgrad[figures]'",
        ) from None
    matplotlib.use("agg")
    return matplotlib


_FALLBACKS = {
    "STIXGeneral": "'STIX Two Text', 'Times New Roman', 'Liberation Serif', serif",
    "DejaVu Sans": "Verdana, sans-serif",
}
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "convgrad",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    # Its characters are Unicode, so an SVG reads right where the font is missing.
    "mathtext.fontset": "stix",
    "hatch.linewidth": 0.6,
    "hatch.color": "#9a9ea8",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
