"""The rows of the catalogue: every mistake convgrad knows, in one line each."""

from __future__ import annotations

from convgrad_cli.check.mistake import Row, row_table

CONV_ROWS = row_table(
    [
        Row("X1", "filter not rotated by 180° (or rotated twice)", ("dX",), ("kernel",)),
        Row("X2", "only one axis of the filter flipped", ("dX",), ("kernel2",)),
        Row("X3", "channel axis flipped as well", ("dX",), ("channels or filters",)),
        Row(
            "X4",
            "in- and out-channels exchanged, or contracted over the wrong axis",
            ("dX",),
            ("channels or filters",),
        ),
        Row("X5", "stride > 1 but dY not dilated", ("dX",), ("stride",)),
        Row("X6", "leftover rows handled wrongly: short, or shifted", ("dX",), ("leftover",)),
        Row("X7", "wrong padding for the full convolution", ("dX",), ("kernel",)),
        Row("X8", "padding's gradient not cropped, or cropped as [:H, :W]", ("dX",), ("padding",)),
        Row("X9", "= where += belongs", ("dX",), ()),
        Row("X10", "height and width exchanged", ("dX", "dW", "Y"), ("two axes",)),
        Row(
            "X11",
            "stride and dilation exchanged",
            ("dX", "dW", "Y"),
            ("stride is not dilation",),
        ),
        Row("X12", "uneven padding on the wrong side", ("dX", "dW", "Y"), ("uneven",)),
        Row("X13", "groups ignored, or wrong blocks", ("dX", "Y"), ("groups",)),
        Row("W1", "rotated by 180° (arguments of the correlation exchanged)", ("dW",), ("kernel",)),
        Row("W2", "mean over the batch or positions instead of the sum", ("dW",), ()),
        Row("W3", "one sample only, not summed over the batch", ("dW",), ("batch",)),
        Row("W4", "X not padded", ("dW", "Y"), ("padding",)),
        Row("W5", "dY not dilated by the stride", ("dW",), ("stride",)),
        Row(
            "W6",
            "a too large dW not cropped where the stride leaves a remainder",
            ("dW",),
            (),
        ),
        Row("W7", "groups: batch and group axes reshaped wrongly", ("dW",), ("groups",)),
        Row("W8", "axes in another order (right values, shuffled)", ("dW",), ()),
        Row("W9", "a sum over in-channels too many, or missing", ("dW",), ("channels or filters",)),
        Row("B1", "mean instead of sum", ("db",), ("batch or places",)),
        Row("B2", "sum over the wrong axes", ("db",), ("batch", "filters")),
        Row("B3", "right values, wrong shape", ("db",), ()),
        Row("B4", "bias added once per window element", ("db", "Y"), ()),
        Row("B5", "bias left out", ("Y",), ()),
        Row("B6", "bias added along the wrong axis", ("Y",), ("filters",)),
        Row("F1", "true convolution instead of cross-correlation", ("Y",), ("kernel",)),
        Row(
            "F2", "filter layout confused (OIHW, HWIO, IOHW)", ("Y", "dX"), ("channels or filters",)
        ),
    ]
)

POOL_ROWS = row_table(
    [
        Row("P1", "= where windows overlap", ("dX",), ("overlap",)),
        Row("P2", "every tied maximum gets the whole gradient", ("dX",), ()),
        Row("P3", "another tie rule", ("dX",), ()),
        Row("P4", "padded with 0 instead of −∞", ("dX", "Y"), ("padding",)),
        Row("P5", "leftover rows handled wrongly; floor and ceil confused", ("dX", "Y"), ()),
        Row("P6", "only the first window, or the wrong window's position", ("dX",), ("windows",)),
        Row("P7", "average: divisor with or without the padding", ("dX", "Y"), ()),
        Row("X10", "height and width exchanged", ("dX", "Y"), ("two axes",)),
        Row("X11", "stride and dilation exchanged", ("dX", "Y"), ("stride is not dilation",)),
        Row("X12", "uneven padding on the wrong side", ("dX", "Y"), ("uneven",)),
    ]
)

ANY_ROWS = row_table(
    [
        Row("G1", "a global factor", ("dX", "dW", "db", "Y")),
        Row("G2", "the sign", ("dX", "dW", "db", "Y")),
        Row("G3", "a permutation or flip of axes", ("dX", "dW", "db", "Y")),
        Row("G4", "a shift by one", ("dX", "dW", "db", "Y")),
        Row("G5", "one sample, channel or group only, or one wrong", ("dX", "dW", "db", "Y")),
    ]
)

#: Rows of the two kinds of pool: only a max pool ties, only an average divides.
MAX_ONLY = frozenset({"P2", "P3", "P4"})
AVERAGE_ONLY = frozenset({"P7"})
