// What leaves the page: the state as a bundle that the command reads, an equation as LaTeX.

function bundleText(page) {
  if (page.layer.document) return `${chainText(page, page.layer.document)}\n`;
  const arrays = page.model.given.map((name) => `"${name}": ${nested(page, name)}`);
  const options = Object.entries(page.layer.options).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
  return `{${[...options, ...arrays].join(",\n ")}}\n`;
}

// A chain's file: what Python wrote, with the arrays of the page where it names one.
function chainText(page, part) {
  if (Array.isArray(part)) return `[${part.map((one) => chainText(page, one)).join(", ")}]`;
  if (part === null || typeof part !== "object") return JSON.stringify(part);
  if (part.$) return nested(page, part.$);
  return `{${Object.entries(part).map(([key, one]) => `${JSON.stringify(key)}: ${chainText(page, one)}`).join(", ")}}`;
}

// The array in the user's own rank and layout. Floats stay floats, so that the types stay too.
function nested(page, name) {
  const { order, integer } = page.layer.given[name];
  const plate = page.plates[name];
  const { original } = plate;
  const write = (axes, index) => {
    if (!axes.length) return literal(plate.values[plate.flat(index)], integer, original[plate.flat(index)]);
    const [axis, ...rest] = axes;
    const parts = [];
    for (let place = 0; place < plate.shape[axis]; place++) {
      index[axis] = place;
      parts.push(write(rest, index));
    }
    index[axis] = 0;
    return `[${parts.join(", ")}]`;
  };
  return write(order, plate.shape.map(() => 0));
}

// What was too long for a double came as text, and goes back as it came.
function literal(value, integer, original) {
  if (typeof original === "string" && Object.is(Number(original), value))
    return Number.isFinite(value) ? original : JSON.stringify(original);
  if (!Number.isFinite(value)) return JSON.stringify(String(value));
  const text = String(value);
  return integer || /[.e]/.test(text) ? text : `${text}.0`;
}

function latexOfChosen(page) {
  const [name, flat] = page.state.chosen;
  if (page.model.results.includes(name)) return page.writer.latex(name, flat);
  const lines = page.model.influences(name, flat).filter((one) => !one.idle).map((one) =>
    `  ${page.writer.symbol(one.into, "latex")} &\\mathrel{+}= ${page.writer.symbols(one, "latex")}`);
  return `\\begin{align*}\n${lines.join(" \\\\\n")}\n\\end{align*}`;
}

async function copy(text, done) {
  page.copied = text;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) return say("The browser does not let this page copy.");
  }
  return say(done);
}
