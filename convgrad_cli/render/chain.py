"""What a chain's output has beside its layers' own: headings, the loss in words, the envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.render.json_output import VERSION, json_text, json_value

if TYPE_CHECKING:
    from convgrad_cli.layers.chain import Pass

_LATEX = {
    "sum": r"L = \sum Y",
    "mse": r"L = \frac{1}{n} \sum (Y - T)^2",
    "cross-entropy": r"L = -\frac{1}{N} \sum T \log \mathrm{softmax}(Y)",
    "neg-log": r"L = \sum -\log Y",
}
_WORDS = {
    "sum": "L = Σ Y",
    "mse": "L = mean of (Y − T)²",
    "cross-entropy": "L = mean over samples of −Σ T·log softmax(Y)",
    "neg-log": "L = Σ −log Y",
}


def headed(heading: str, text: str, format: str) -> str:
    """A layer's text under its heading, in the way of the form."""
    body = text.strip("\n")
    match format:
        case "latex":
            words = heading.replace("_", r"\_")
            return f"\\medskip\\noindent\\textbf{{{words}}}\n{body}"
        case "markdown":
            return f"## {heading}\n\n{body}"
        case "text":
            return f"# {heading}\n{body}"
    return f"{heading}\n{body}"


def loss_words(done: Pass, format: str) -> str:
    """The loss's formula and value, or that an upstream gradient was given."""
    if done.loss is None:
        return headed("the way back starts from the upstream gradient given", "", format).strip()
    value = repr(done.loss.value)
    name = done.ending.name
    if format == "latex":
        mantissa, mark, exponent = value.partition("e")
        power = rf" \times 10^{{{exponent}}}" if mark else ""
        return f"\\[ {_LATEX[name]} = {mantissa}{power} \\]"
    text = f"loss {name}: {_WORDS[name]} = {value}"
    return headed(text, "", format).strip()


def chain_json(done: Pass, layers: list[dict[str, Any]], notes: list[str]) -> bytes:
    """The chain's envelope."""
    document: dict[str, Any] = {"convgrad": VERSION, "operation": "chain"}
    if done.loss is not None:
        document["loss"] = {
            "type": done.ending.name,
            "value": json_value(done.loss.value),
            "gradient": json_value(done.loss.gradient),
        }
    document["layers"] = json_value(layers)
    document["Y"] = json_value(done.Y)
    document["dX"] = json_value(done.steps[0].dX)
    document["notes"] = notes
    return json_text(document)
