"""A convolution's mistakes as a transposed convolution's: one change, told the other way round.

A transposed convolution is the convolution from its Y back to its X, run backwards: its Y is that
one's dX, its dX that one's Y, its dW that one's dW. So every mistake of the one is a mistake of the
other, and only the words change: X and dY, Y and dX, in- and out-channels, C and K trade places.
What that exchange would say badly stands in :data:`SAID`, and every fix in :data:`FIXES`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convgrad_cli.check.mistake import Mistake

#: The convolution's target that stands for one of the transposed convolution's.
DUAL: Final = {"Y": "dX", "dX": "Y", "dW": "dW"}

_WORDS: Final = {
    "in- and out-channel": "in- and out-channel",
    "input and one output channel": "input and one output channel",
    "C = K": "C = K",
    "in-channel": "out-channel",
    "out-channel": "in-channel",
    "input channel": "output channel",
    "the output has": "the input has",
    "the output one": "the input one",
    "dX": "Y",
    "dY": "X",
    "X": "dY",
    "Y": "dX",
    "C": "K",
    "K": "C",
}
_PATTERN: Final = re.compile(
    r"\b(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")(?=s?\b)|\b[OIDHWL]{3,5}\b"
)
_LETTERS: Final = str.maketrans("OI", "IO")

#: Phrases and conditions whose exchange needs other words than the letters alone.
SAID: Final[dict[str, str]] = {
    "the filter not rotated by 180° (or rotated twice)": "the filter rotated by 180° (in the "
    "zero-inserted form: not rotated, or rotated twice)",
    "a true convolution (the filter rotated) instead of a cross-correlation": "the filter rotated "
    "by 180° (dX is dY correlated with the filter as it stands)",
    "the leftover rows missing at the end": "the output padding left out",
    "the leftover rows put before the input instead of after it (everything shifted)": "the "
    "output padding put before the output instead of after it (everything shifted)",
    "the leftover rows split between both ends": "the output padding split between both ends",
    "the leftover rows filled with 0 though padding's windows still reach them": "the output "
    "padding's rows filled with 0 though windows still reach them",
    "dY padded by the forward pass's p where d(k−1) − p belongs": "X, zeros inserted, padded by p "
    "as a convolution's input where d(k−1) − p belongs",
    "the padding's gradient not cropped": "the padding not cropped from the output",
    "the padding's gradient cropped as [:H, :W] instead of [p:p + H, p:p + W]": "the padding "
    "cropped at the end only: [:H, :W] instead of [p:p + H, p:p + W]",
    "the padding's gradient cropped from the wrong end ([2p:])": "the padding cropped before the "
    "output only ([2p:])",
    "= where += belongs: the last filter and window overwrite the others": "= where += belongs: "
    "the last in-channel and window overwrite the others",
    "= where += belongs: the last filter overwrites the others": "= where += belongs: the last "
    "in-channel overwrites the others",
    "the first filter's contribution only": "the first in-channel's contribution only",
    "the groups ignored: each filter spread over every group's channels": "the groups ignored: "
    "each in-channel spread over every group's out-channels",
    "the first group's filters used for every group": "the first group's part of the filter used "
    "for every group",
    "the filters dealt to the groups in turn instead of in blocks": "the filter's in-channels "
    "dealt to the groups in turn instead of in blocks",
    "every filter given the first group's in-channels": "every in-channel given the first group's "
    "out-channels",
    "the groups ignored: every filter with every in-channel": "the groups ignored: every "
    "in-channel with every out-channel",
    "the result rotated by 180° (the arguments of the correlation exchanged)": "the roles of X "
    "and dY exchanged (the result rotated by 180°)",
    "the rows too many that the stride leaves over not cropped": "the rows too many that the "
    "output padding gives not cropped",
    "the first rows cropped where the stride leaves too many, not the last": "the first rows "
    "cropped where the output padding gives too many, not the last",
    "no rows are left over after the stride": "there is no output padding",
    "there is one filter (K = 1)": "there is one input channel (C = 1)",
    "a filter sees one input channel (C = 1)": "there is one output channel (K = 1)",
}

#: Readings that say of a transposed convolution what another one says already (T7, not cropped).
TWICE: Final = frozenset(
    {
        "dY padded by d(k−1) where d(k−1) − p belongs, the result too large",
        "dY padded by d(k−1) where d(k−1) − p belongs, cut to [:H]",
    }
)

#: The transposed convolution's row for a target's row of the convolution; others keep their id.
IDS: Final[dict[tuple[str, str], str]] = {
    ("Y", "X1"): "T1",
    ("Y", "X2"): "T2",
    ("Y", "X3"): "T3",
    ("Y", "X4"): "T4",
    ("Y", "X5"): "T5",
    ("Y", "X6"): "T6",
    ("Y", "X7"): "T7",
    ("Y", "X8"): "T7",
    ("Y", "X9"): "T8",
    ("dX", "F1"): "T1",
    ("dX", "F2"): "T4",
    ("Y", "F2"): "T4",
    ("dX", "W4"): "T7",
    ("dW", "W1"): "T9",
    ("dW", "W4"): "T7",
    ("dW", "W5"): "T5",
}

_ROTATED: Final = (
    "scatter the filter as it stands: Y[i·s + p·d − p_before] += X[i]·W[p]; rotate it only to "
    "convolve X, zeros inserted, with it"
)
_FILTER_AXES: Final = (
    "the filter is (C_in, K/groups, …), PyTorch's: sum over its first axis for Y, its second for dX"
)
_CROPPED: Final = (
    "a transposed convolution's padding crops: scatter onto (in−1)s + d(k−1) + 1 rows, then cut p "
    "off on both sides"
)
_GROUPS: Final = "group g joins in-channels [g·C/G, (g+1)·C/G) with out-channels [g·K/G, (g+1)·K/G)"
_ZEROS: Final = "put stride − 1 zeros between the entries of X"
_PADDED: Final = "pad dY by p again, with zeros: what the forward pass cropped has no gradient"
FIXES: Final[dict[tuple[str, str], str]] = {
    ("Y", "T1"): _ROTATED,
    ("Y", "T2"): _ROTATED,
    ("Y", "T3"): "flip the spatial axes alone, if any: np.flip(W, axis=(2, ...)), not np.flip(W)",
    ("Y", "T4"): _FILTER_AXES,
    ("dX", "T4"): _FILTER_AXES,
    ("Y", "T5"): _ZEROS + " (the windows of Y start one stride apart)",
    ("dW", "T5"): _ZEROS + " before the correlation",
    ("Y", "T6"): "the output padding adds rows after the output, of whatever still reaches them",
    ("Y", "T7"): _CROPPED,
    ("dX", "T7"): _PADDED,
    ("dW", "T7"): _PADDED,
    ("Y", "T8"): "add up: Y[window] += X[...] * W (a position lies in several windows)",
    ("dX", "T1"): "correlate dY with the filter as it stands: the rotation is Y's, if anyone's",
    ("dW", "T9"): "slide X over the padded dY, not dY over X; do not rotate",
    ("Y", "X12"): "start the crop at p_before",
    ("Y", "X13"): _GROUPS,
    ("dX", "X13"): _GROUPS,
    ("dW", "W7"): _GROUPS,
    ("dW", "W6"): "keep the first k rows and columns (every d-th): dW[..., :kH, :kW]",
    ("dW", "W2"): "sum: the loss's own 1/N is already in dY",
    ("Y", "F2"): "transpose the filter to (C_in, K/groups, …) first",
    ("dX", "F2"): "transpose the filter to (C_in, K/groups, …) first",
    ("Y", "T10"): "the filter's places lie d apart: Y[i·s + p·d − p_before] += X[i]·W[p]",
    ("dX", "T10"): "the filter's places lie d apart: dX[i] += dY[i·s + p·d − p_before]·W[p]",
    ("dW", "W9"): "dW[c, k] belongs to one in- and one out-channel: no sum over c or k",
}


def exchanged(text: str) -> str:
    """A convolution's words as the transposed convolution's."""
    if text in SAID:
        return SAID[text]
    return _PATTERN.sub(lambda found: _other(found[0]), text)


def _other(word: str) -> str:
    return _WORDS[word] if word in _WORDS else word.translate(_LETTERS)


def as_transposed(target: str, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """The convolution's mistakes in :data:`DUAL`'s target as the transposed convolution's."""
    for mistake in mistakes:
        if mistake.phrase in TWICE:
            continue
        id = IDS.get((target, mistake.id), mistake.id)
        if id == "T4" and "numbers read as" in mistake.phrase:
            id = "F2"
        if id == "T7" and ("dilation" in mistake.phrase or "k−1 where" in mistake.phrase):
            id = "T10"
        fix = FIXES.get((target, id)) or exchanged(mistake.fix)
        phrase = exchanged(mistake.phrase)
        if id == "T2":
            phrase += " (where X, zeros inserted, is convolved with it)"
        yield replace(mistake, id=id, phrase=phrase, fix=fix)
