"""The layers a chain may hold, by kind.

A node is made from the running shape, its own arrays and its options; making it checks everything.
``batched`` says whether the first axis counts samples, None while no layer has told.
"""

from __future__ import annotations

from typing import Final

from convgrad_cli.layers.chain_filtered import Conv, Dense, Separable, Transposed
from convgrad_cli.layers.chain_node import Node
from convgrad_cli.layers.chain_plain import Activated, AvgPool, Flatten, MaxPool, Upsample

NODES: Final[dict[str, type[Node]]] = {
    node.kind: node
    for node in (Conv, Transposed, Separable, Activated, MaxPool, AvgPool, Upsample, Flatten, Dense)
}

__all__ = ["NODES", "Node"]
