"""Floor 1: sizes, positions and shapes of layers. Pure Python; imports only ``errors``."""

from convgrad_cli.geometry.axis import Axis, FullPadding, Tap
from convgrad_cli.geometry.layer import ConvGeometry, Geometry, PoolGeometry, per_dimension
from convgrad_cli.geometry.padding import PADDING_WORDS, Padding, Sides, resolve_padding
from convgrad_cli.geometry.plan import ConvPlan, Plan, PoolPlan
from convgrad_cli.geometry.planning import plan_conv, plan_pool
from convgrad_cli.geometry.ranks import FILTER_LAYOUTS, LAYOUTS, ArrayLayout
from convgrad_cli.geometry.taps import (
    Member,
    Product,
    input_taps,
    output_taps,
    weight_taps,
    window_members,
    windows_over,
)

__all__ = [
    "FILTER_LAYOUTS",
    "LAYOUTS",
    "PADDING_WORDS",
    "ArrayLayout",
    "Axis",
    "ConvGeometry",
    "ConvPlan",
    "FullPadding",
    "Geometry",
    "Member",
    "Padding",
    "Plan",
    "PoolGeometry",
    "PoolPlan",
    "Product",
    "Sides",
    "Tap",
    "input_taps",
    "output_taps",
    "per_dimension",
    "plan_conv",
    "plan_pool",
    "resolve_padding",
    "weight_taps",
    "window_members",
    "windows_over",
]
