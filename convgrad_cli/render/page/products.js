// A layer of products: Y, dX and dW are sums of X·W, dY·W and dY·X over the same taps. A tap joins a
// place of the outer array, whose channels W's first axis counts, with one of W and one of the inner
// array: of a convolution Y is the outer one, of a transposed convolution X.
// A term is { refs: [[array, flat], …] }; its value is the product of its refs.

const PARTNERS = { Y: ["X", "W"], dX: ["dY", "W"], dW: ["dY", "X"] };
const GOES_INTO = { X: ["Y", "dW"], W: ["Y", "dX"], dY: ["dX", "dW"] };

class Products {
  constructor(layer) {
    Object.assign(this, layer.sizes);  // batch, channels (inner), filters (outer), groups
    this.outer = layer.outer;
    this.inner = layer.outer === "Y" ? "X" : "Y";
    this.perGroup = this.channels / this.groups;
    this.filtersPerGroup = this.filters / this.groups;
    this.outputs = layer.outer === "Y" ? this.filters : this.channels;  // channels of Y
    const taps = spatialTaps(layer.axes);
    const length = (key) => product(layer.axes.map((axis) => axis[key]));
    this.count = taps.count;
    this.taps = { W: taps.kernel, [this.outer]: taps.outer, [this.inner]: taps.inner };
    this.area = { W: length("kernel"), [this.outer]: length("outer"), [this.inner]: length("inner") };
    this.by = {};
    for (const family of ["X", "W", "Y"]) this.by[family] = touching(this.taps[family], this.area[family]);
    this.given = layer.hasBias ? ["X", "W", "b", "dY"] : ["X", "W", "dY"];
    this.results = ["Y", "dX", "dW", "db"];
  }

  // Where the planes of sample n, filter o and its c-th channel start.
  start(n, o, c) {
    const channel = Math.floor(o / this.filtersPerGroup) * this.perGroup + c;
    return {
      W: (o * this.perGroup + c) * this.area.W,
      [this.outer]: (n * this.filters + o) * this.area[this.outer],
      [this.inner]: (n * this.channels + channel) * this.area[this.inner],
    };
  }

  // Which channel of Y a place of it is in.
  outputOf(y) {
    return Math.floor(y / this.area.Y) % this.outputs;
  }

  evaluate(plates) {
    this.forward(plates);
    this.backward(plates);
  }

  forward({ X, W, b, Y }) {
    for (let y = 0; y < Y.size; y++) Y.values[y] = b ? b.values[this.outputOf(y)] : 0;
    this.everywhere((y, w, x) => { Y.values[y] += X.values[x] * W.values[w]; });
  }

  backward({ X, W, dY, dX, dW, db }) {
    for (const plate of [dX, dW, db]) plate?.values.fill(0);
    this.everywhere((y, w, x) => {
      dX.values[x] += dY.values[y] * W.values[w];
      dW.values[w] += dY.values[y] * X.values[x];
    });
    if (db) dY.values.forEach((value, y) => { db.values[this.outputOf(y)] += value; });
  }

  everywhere(visit) {
    const { X, W, Y } = this.taps;
    for (let n = 0; n < this.batch; n++)
      for (let o = 0; o < this.filters; o++)
        for (let c = 0; c < this.perGroup; c++) {
          const start = this.start(n, o, c);
          for (let t = 0; t < this.count; t++) visit(start.Y + Y[t], start.W + W[t], start.X + X[t]);
        }
  }

  // Every product that one element of X, W or Y is in, in the lectures' order.
  touched(family, flat, visit) {
    const plane = Math.floor(flat / this.area[family]);
    const taps = this.by[family][flat % this.area[family]];
    const { X, W, Y } = this.taps;
    const planes = (n, o, c) => {
      const start = this.start(n, o, c);
      for (const t of taps) visit({ Y: start.Y + Y[t], W: start.W + W[t], X: start.X + X[t] });
    };
    if (family === "W") {
      for (let n = 0; n < this.batch; n++) planes(n, Math.floor(plane / this.perGroup), plane % this.perGroup);
    } else if (family === this.outer) {
      for (let c = 0; c < this.perGroup; c++) planes(Math.floor(plane / this.filters), plane % this.filters, c);
    } else {
      const channel = plane % this.channels;
      const first = Math.floor(channel / this.perGroup) * this.filtersPerGroup;
      for (let o = first; o < first + this.filtersPerGroup; o++)
        planes(Math.floor(plane / this.channels), o, channel % this.perGroup);
    }
  }

  refs(result, at) {
    return PARTNERS[result].map((name) => [name, at[FAMILY[name]]]);
  }

  // The terms that make one element of a result.
  terms(name, flat) {
    const terms = [];
    if (name === "db") {
      for (let y = 0; y < this.batch * this.outputs * this.area.Y; y++)
        if (this.outputOf(y) === flat) terms.push({ refs: [["dY", y]] });
      return terms;
    }
    this.touched(FAMILY[name], flat, (at) => terms.push({ refs: this.refs(name, at), forward: name === "Y" }));
    if (name === "Y" && this.given.includes("b")) terms.push({ refs: [["b", this.outputOf(flat)]] });
    return terms;
  }

  // Where one given element goes: for every product it is in, the forward and the backward side,
  // both with the number of their pair.
  influences(name, flat) {
    const found = [];
    if (name === "b") {
      for (let y = 0; y < this.batch * this.outputs * this.area.Y; y++)
        if (this.outputOf(y) === flat) found.push({ into: ["Y", y], refs: [["b", flat]], pair: 0 });
      return found;
    }
    let pair = 0;
    this.touched(FAMILY[name], flat, (at) => {
      for (const result of GOES_INTO[name])
        found.push({ into: [result, at[FAMILY[result]]], refs: this.refs(result, at), pair, forward: result === "Y" });
      pair += 1;
    });
    if (name === "dY") found.push({ into: ["db", this.outputOf(flat)], refs: [["dY", flat]], pair });
    return found;
  }

  // What these elements of dY, and no others, add to dX or dW.
  partial(plates, target, flats) {
    const sums = new Float64Array(plates[target].size);
    const partner = plates[PARTNERS[target][1]];
    for (const y of flats)
      this.touched("Y", y, (at) => {
        sums[at[FAMILY[target]]] += plates.dY.values[y] * partner.values[at[FAMILY[partner.name]]];
      });
    return sums;
  }
}
