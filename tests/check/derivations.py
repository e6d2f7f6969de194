"""Equations of a small 2-D convolution by plain loops, for the tests of hand derivations.

Nothing of convgrad_cli is used: a term is a pair of symbols, each a letter and its indices from 1.
"""

from __future__ import annotations

from typing import NamedTuple

Symbol = tuple[str, int, int]
Product = tuple[Symbol, Symbol]


class Layer(NamedTuple):
    """One channel, one filter, no padding."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]

    @property
    def output(self) -> tuple[int, int]:
        return tuple(
            (n - k) // s + 1 for n, k, s in zip(self.size, self.kernel, self.stride, strict=True)
        )  # type: ignore[return-value]

    def shape(self, letter: str) -> tuple[int, int]:
        return {"X": self.size, "F": self.kernel, "O": self.output, "dO": self.output}[letter]

    def products(self, target: str, at: tuple[int, int]) -> list[Product]:
        """The products of ∂L/∂X, ∂L/∂F or O (``X``, ``F``, ``O``) at an index from 1."""
        found: list[Product] = []
        for i in range(self.output[0]):
            for j in range(self.output[1]):
                for p in range(self.kernel[0]):
                    for q in range(self.kernel[1]):
                        x = (i * self.stride[0] + p + 1, j * self.stride[1] + q + 1)
                        output, weight = (i + 1, j + 1), (p + 1, q + 1)
                        if target == "X" and x == at:
                            found.append((("dO", *output), ("F", *weight)))
                        elif target == "F" and weight == at:
                            found.append((("dO", *output), ("X", *x)))
                        elif target == "O" and output == at:
                            found.append((("X", *x), ("F", *weight)))
        return found

    @property
    def given(self) -> dict[str, tuple[int, int]]:
        """As the options of a check."""
        return {"input_shape": self.size, "filter_shape": self.kernel, "stride": self.stride}


def symbol(one: Symbol) -> str:
    """``dL/dO11`` or ``F21``."""
    letter, i, j = one
    return f"dL/dO{i}{j}" if letter == "dO" else f"{letter}{i}{j}"


def told(product: Product) -> str:
    """As the check prints it: ``∂L/∂O11·F21``."""
    return "·".join(map(symbol, product)).replace("dL/d", "∂L/∂")


def left_side(target: str, at: tuple[int, int]) -> str:
    """``dL/dX21``; an output alone."""
    name = f"{target}{at[0]}{at[1]}"
    return name if target == "O" else f"dL/d{name}"
