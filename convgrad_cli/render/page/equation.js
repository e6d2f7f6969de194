// Equations: fragments that Python wrote, joined. A form is "mathml", "latex" or "text".

const TERMS_SHOWN = 36;


class Writer {
  constructor(layer, model, plates) {
    this.notations = layer.notations;
    this.notation = layer.notations[0];
    this.fractions = layer.fractions;
    this.joints = layer.joints;      // times, beside, comma, and how a maximum opens and closes
    this.model = model;
    this.plates = plates;
  }

  // A symbol is Python's template: pieces, and between them holes that are linear in the index.
  symbol([name, flat], form) {
    const { pieces, wide, subscripts, holes, shape } = this.template(name);
    const index = placeIn(shape, flat);
    const numbers = holes.map(({ base, weights }) =>
      weights.reduce((sum, weight, axis) => sum + weight * index[axis], base));
    const large = wide && numbers.slice(0, subscripts).some((value) => value > 9);
    return (large ? wide : pieces)[form].reduce((text, piece, j) => text + numbers[j - 1] + piece);
  }

  template(name) {
    return this.notation.symbols[name];
  }

  value([name, flat]) {
    return this.plates[name].values[flat];
  }

  factors(term, form, joint, one) {
    const [open, close] = term.of ? this.joints[form][term.of] : ["", ""];
    const parts = term.refs.map((ref) => open + one(ref) + close);
    if (term.over > 1) parts.unshift(this.fractions[term.over][form]);
    return parts.join(joint);
  }

  // Beside an upstream gradient stands a dot; in a forward product Python says what.
  symbols(term, form) {
    const { times, beside } = this.joints[form];
    return this.factors(term, form, term.forward ? beside : times, (ref) => this.symbol(ref, form));
  }

  numbers(term, form) {
    const alone = term.refs.length === 1 && !(term.over > 1) && (term.member || term.of);
    return this.factors(term, form, this.joints[form].times,
      (ref) => number(this.value(ref), form, !alone));
  }

  // The whole equation of one result in one form: symbols, numbers, value, a line each.
  lines(name, flat, form) {
    const terms = this.model.terms(name, flat);
    const join = (one) => this.assemble(terms.map((term) => one.call(this, term, form)), terms, form);
    const left = this.symbol([name, flat], form);
    const value = number(this.plates[name].values[flat], form);
    if (!terms.length) return [left, [value]];
    const lines = terms[0].own ? [join(this.numbers)] : [join(this.symbols), join(this.numbers)];
    if (lines[lines.length - 1] !== value) lines.push(value);
    return [left, lines];
  }

  assemble(parts, terms, form) {
    const { plus, comma, maximum } = this.joints[form];
    if (!terms[0].member) return parts.join(plus);
    return maximum[0] + parts.join(comma) + maximum[1];
  }

  latex(name, flat) {
    const [left, lines] = this.lines(name, flat, "latex");
    const rows = lines.map((line, i) => (i ? "  &= " : `  ${left} &= `) + line);
    return `\\begin{align*}\n${rows.join(" \\\\\n")}\n\\end{align*}`;
  }

  sentence(name, flat) {
    const [left, lines] = this.lines(name, flat, "text");
    return [left, ...lines].join(" = ");
  }
}

// A number as the page shows it: integers whole, others with six significant digits.
function shown(value, digits = 6) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER)
    return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4
    ? value.toExponential(Math.max(1, digits - 3)).replace(/\.?0+e/, "e").replace("e+", "e")
    : String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

function number(value, form, inside = false) {
  const text = shown(value);
  const wrap = inside && text.startsWith("−");
  if (form === "latex") return wrap ? `(${latexNumber(text)})` : latexNumber(text);
  if (form === "text") return wrap ? `(${text})` : text;
  const bare = text.startsWith("−") ? `${tight("−", "prefix")}<mn>${text.slice(1)}</mn>` : `<mn>${text}</mn>`;
  return wrap ? `<mrow>${tight("(", "prefix")}${bare}${tight(")", "postfix")}</mrow>` : `<mrow>${bare}</mrow>`;
}

const tight = (sign, form) => `<mo form="${form}" stretchy="false" lspace="0" rspace="0">${sign}</mo>`;

function latexNumber(text) {
  return text.replace(/−/g, "-").replace("∞", "\\infty ").replace("NaN", "\\mathrm{NaN}")
    .replace(/e(-?\d+)$/, " \\cdot 10^{$1}");
}
