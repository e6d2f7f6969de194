"""What a chain's page says of its arrays, and the chain's file that it hands back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.layers.chain import Pass
    from convgrad_cli.render.page.chain_part import Part


def titles(parts: list[Part]) -> dict[str, str]:
    """Each array's title: a map by the layer that makes it."""
    last = len(parts)
    found = {"h0": "X", f"dh{last}": f"dY of {parts[-1].called}"}
    for k, part in enumerate(parts):
        found |= {f"h{k + 1}": f"Y of {part.called}", f"dh{k}": f"dX of {part.called}"}
        found |= {
            name: letter for letter, name in part.names.items() if not name.startswith(("h", "dh"))
        }
        found[f"slope{k}"] = "σ′"
    return found


def about(parts: list[Part], *, lost: bool) -> dict[str, str]:
    """What stands under the titles: what a map is to the layer on its other side."""
    last = len(parts)
    said = {"h0": "input", f"h{last}": "output", "dh0": "gradient of the input"}
    said[f"dh{last}"] = "from the loss" if lost else "upstream gradient"
    for k in range(1, last):
        said |= {
            f"h{k}": f"= X of {parts[k].called}",
            f"dh{k}": f"= dY of {parts[k - 1].called}",
        }
    for k, part in enumerate(parts):
        words = {
            "W": "filter",
            "b": "bias",
            "dW": "gradient of the filter",
            "db": "gradient of the bias",
        }
        if part.word == "dense":
            words |= {"W": "weight", "dW": "gradient of the weight"}
        if part.half is not None:
            filter = f"{part.half.key} filter"
            words |= {"W": filter, "dW": f"gradient of the {filter}"}
        said |= {name: words[letter] for letter, name in part.names.items() if letter in words}
        said |= {f"slope{k}": "slope of the activation", f"switches{k}": "where the maximum was"}
    return said


def document(parts: list[Part], done: Pass) -> dict[str, Any]:
    """The chain's file, ``{"$": name}`` where an array of the page stands."""
    layers: list[dict[str, Any]] = []
    for part in parts:
        if part.half is not None and part.half.key == "pointwise":
            layers[-1] |= _named_arrays(part)  # the layer that its depthwise half has begun
            continue
        node = part.step.node if part.half is None else part.half.whole.node
        entry: dict[str, Any] = {"type": node.word}
        entry |= {
            key: value
            for key, value in node.options.items()
            if (node.kind, key) != ("activation", "name")
        }
        layers.append(entry | _named_arrays(part))
    file: dict[str, Any] = {"input": {"$": "h0"}, "layers": layers}
    if done.loss is None:
        return file | {"upstream": {"$": f"dh{len(parts)}"}}
    loss: dict[str, Any] = {"type": done.ending.name}
    if done.ending.target is not None:
        loss["target"] = done.ending.target.tolist()
    return file | {"loss": loss}


def _named_arrays(part: Part) -> dict[str, Any]:
    """The arrays of a layer under their keys in a chain's file."""
    weight = "weight" if part.word == "dense" else "filter"
    keys = {"W": weight if part.half is None else part.half.key, "b": "bias"}
    return {keys[letter]: {"$": part.names[letter]} for letter in part.step.node.parameters}
