"""The general formulas' index arithmetic, in notations that count from 0 and from 1."""

from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import derive
from convgrad_cli.derivation.blocks import Formula, Sentence
from convgrad_cli.derivation.formula import affine, filter_position, window_position
from convgrad_cli.derivation.steps import Report
from convgrad_cli.geometry import Axis

SOME = settings(max_examples=100, deadline=None, derandomize=True)


def evaluated(text: str, **letters: int) -> float:
    """A formula such as ``2i+m−1`` or ``(m−i+1)/2+1`` with numbers for its letters."""
    for letter, number in letters.items():
        text = text.replace(letter, f"*({number})")
    source = text.replace("−", "-")
    while source != (clean := source.replace("(*", "(").replace("+*", "+").replace("-*", "-")):
        source = clean
    return float(eval(source.removeprefix("*")))


@SOME
@given(
    *(st.integers(low, high) for low, high in ((0, 6), (0, 3), (1, 3), (0, 4), (1, 3))),
    st.sampled_from([0, 1]),
)
def test_positions_are_right_from_0_and_from_1(
    out: int, kernel: int, stride: int, before: int, dilation: int, base: int
) -> None:
    axis = Axis(9, 4, stride, before, 0, dilation)
    x = out * stride + kernel * dilation - before
    i, m = out + base, kernel + base
    assert evaluated(window_position(axis, "i", "m", base), i=i, m=m) == x + base
    assert evaluated(filter_position(axis, "x", "i", base), x=x + base, i=i) == kernel + base


def test_sums_of_letters_are_written_short() -> None:
    assert affine([(1, "i"), (2, "m")], 0) == "i+2m"
    assert affine([(3, "i"), (-1, "m")], -2) == "3i−m−2"


def test_the_slides_formulas_count_from_1() -> None:
    derivation = derive(
        "dW", "dX", input_shape=(6, 6), filter_shape=(3, 3), stride=2, padding=1, dilation=2
    )
    formulas = [b for b in Report(derivation, steps=("chain",)).blocks() if isinstance(b, Formula)]
    assert [formula.sides[-1].rpartition("·")[2] for formula in formulas] == [
        "X_{2i+2m−4,2j+2n−4}",  # 2(i−1) + 2(m−1) − 1 + 1
        "F_{(m−2i+2)/2+1,(n−2j+2)/2+1}",  # ((m−1) + 1 − 2(i−1)) / 2 + 1
    ]


def test_groups_are_said() -> None:
    derivation = derive("dX", input_shape=(4, 5), filter_shape=(6, 2, 2), groups=2, dims=1)
    said = [
        b.parts[0] for b in Report(derivation, steps=("chain",)).blocks() if isinstance(b, Sentence)
    ]
    assert (
        "With 2 groups every filter meets only the channels of its own group; "
        "a filter's channels count within the group." in said
    )
