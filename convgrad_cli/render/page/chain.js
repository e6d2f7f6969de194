// A chain of layers: each keeps its own model and its own letters, and `names` says which array of
// the page a letter is: Y of one layer and X of the next are one array, and so are their gradients.

const MOST_PLANES = 16;

class Chain {
  constructor(layer) {
    Object.assign(this, { batch: layer.batch, channels: 1, given: layer.inputs, results: layer.results, end: layer.loss });
    this.layers = layer.layers.map((one) => ({ ...one, model: modelOf(one) }));
    this.makers = {};  // array -> [layer, its letter] that evaluates it
    this.homes = {};   // array -> [layer, its letter] that a given array belongs to
    this.layers.forEach((one, k) => {
      one.letters = Object.fromEntries(Object.entries(one.names).map(([letter, name]) => [name, letter]));
      for (const [letter, name] of Object.entries(one.names))
        (one.model.results.includes(letter) ? this.makers : this.homes)[name] ??= [k, letter];
    });
  }

  evaluate(plates) {
    for (const one of this.layers)
      one.plates ??= Object.fromEntries(Object.entries(one.names).map(([letter, name]) => [letter, plates[name]]));
    for (const one of this.layers) one.model.forward(one.plates);
    if (this.end) this.lose(plates);
    for (const one of this.layers.toReversed()) one.model.backward(one.plates);
  }

  lose(plates) {
    const Y = plates[this.end.Y];
    const { value, gradient } = LOSSES[this.end.name](Array.from(Y.values), this.end.target, Y.shape[Y.shape.length - 1]);
    this.loss = value;
    plates[this.end.dY].values.set(gradient);
  }

  at(name) {
    return this.makers[name] || this.homes[name] || [0, name];
  }

  renamed(k, ref) {
    return [this.layers[k].names[ref[0]], ref[1]];
  }

  terms(name, flat) {
    if (!this.makers[name]) return [];
    const [k, letter] = this.makers[name];
    return this.layers[k].model.terms(letter, flat)
      .map((term) => ({ ...term, refs: term.refs.map((ref) => this.renamed(k, ref)) }));
  }

  influences(name, flat) {
    const [k, letter] = this.at(name);
    return this.layers[k].model.influences(letter, flat)
      .map((one) => ({ ...one, into: this.renamed(k, one.into), refs: one.refs.map((ref) => this.renamed(k, ref)) }))
      .filter(({ into }) => into[0]);
  }

  marks(name, flat) {
    if (!this.makers[name]) return [];
    const [k, letter] = this.makers[name];
    return (this.layers[k].model.marks?.(letter, flat) || []).map(([ref, kind]) => [this.renamed(k, ref), kind]);
  }

  maxima() {
    const found = {};
    for (const { model, names } of this.layers) if (model.maxima) found[names.X] = model.maxima().X;
    return found;
  }

  // A map is an input to one layer and an output to another: either may not reach all of it.
  idleAt(name, index) {
    return this.layers.map((one) => one.letters[name] && idleIn(one, one.letters[name], index)).find(Boolean) || null;
  }

  idleRole(name) {
    return this.layers.map((one) => one.letters[name] && idleRole(one, one.letters[name])).find(Boolean);
  }

  said(name) {
    return name === this.end?.dY ? `from the loss: ${this.end.gradient}` : "";
  }

  // One sample, and the first few planes of it; of a filter the first few planes.
  planesShown(plate, state) {
    const every = Array.from({ length: Math.max(1, product(plate.leading)) }, (_, plane) => plane);
    const sampled = this.leads(plate.name)[0] === "n" && plate.leading.length > 1;
    const sample = Math.min(state.n, plate.leading[0] - 1);
    const all = every.filter((plane) => !sampled || plate.leadingOf(plane)[0] === sample);
    return all.slice(0, MOST_PLANES);
  }

  leads(name) {
    const [k, letter] = this.at(name);
    return FAMILY[letter] === "b" ? [] : FAMILY[letter] === "W" ? ["k", "c"] : ["n", "c"];
  }
}

// Symbols in the letters of the layer that is spoken of; else in those of an array's own layer.
class ChainWriter extends Writer {
  template(name) {
    const spoken = this.model.layers[this.layerAt];
    const [k, letter] = spoken?.letters[name] ? [this.layerAt, spoken.letters[name]] : this.model.at(name);
    const { symbols } = this.model.layers[k].notations[this.notations.indexOf(this.notation)];
    return symbols[letter];
  }

  about(name) {
    this.layerAt = name === null ? null : this.model.at(name)[0];
  }
}

// What the stage shows: each map beside its gradient, and between two of them the layer.
function chainCards(page) {
  const { layers, end } = page.model;
  const card = (name) => arrayCard(page, name);
  const have = (...names) => names.filter((name) => name && page.plates[name]).map(card);
  const cards = [{ band: "<span>forward ↓</span><span>gradients ↑</span>", kind: "ways" }];
  layers.forEach(({ names, heading, facts, kind }, k) => {
    const pointwise = kind === "pointwise";
    cards.push({ sides: [have(pointwise ? names.Y : names.X), have(pointwise ? names.dY : names.dX)] });
    const own = [have(names.W, names.b, names.switches), have(names.derivative, names.dW, names.db)];
    cards.push({ band: `<b>${escapeHtml(heading)}</b> <span>${escapeHtml(facts)}</span>`, sides: own, kind: "between" });
    if (k === layers.length - 1) cards.push({ sides: [have(pointwise ? names.A : names.Y), have(pointwise ? names.dA : names.dY)] });
  });
  if (end) cards.push({ band: `<b>Loss</b> <span>${escapeHtml(end.formula)} = <b id="loss">${shown(page.model.loss)}</b></span>`, kind: "between" });
  return cards;
}
